// A file of a bank in place of its login, for a client whose operator lets users send one.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { Client, desktop, framed, need, secret, story, testBank } from './story.mjs'

/** Makes a client whose users may send files, as an operator does, and a user of it. */
async function filer(s) {
  const options = ['--licensed', '--widget-files', '--redirect-uri', s.target, '--data', need('OXLIN_DATA')]
  const told = execFileSync(need('OXLIN_BINARY'), ['client', 'create', 'Carnet', ...options], { encoding: 'utf8' })
  s.client = new Client(/client_id\s+(\S+)/.exec(told)[1])
  s.client.credentials.client_secret = secret('client secret', /client_secret\s+(\S+)/.exec(told)[1])
  s.user = await s.client.user()
}

const file = (name, text) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) })

const unsure = 'Date;Libellé;Montant\n03/04/2026;BOULANGER;-12,50\n05/06/2026;LOYER;-700,00\n'

const certain = `OFXHEADER:100
DATA:OFXSGML

<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>30006<ACCTID>00012345678<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260301<DTEND>20260331
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260303<TRNAMT>-12.50<FITID>1<NAME>BOULANGER</STMTTRN>
</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>`

const amounts = async (user) => (await user.get('/transactions?limit=100')).map(({ amount }) => Number(amount)).sort((a, b) => a - b)

const ways = [
  ['with JavaScript', { viewport: framed }],
  ['without JavaScript', { script: false, viewport: desktop }],
]
for (const [name, options] of ways) {
  story(`a file that tells everything, ${name}`, options, async (s) => {
    await filer(s)
    await s.open('add_connection')
    await s.widget.choose(testBank)
    await s.widget.press('have_file')
    await s.widget.field('file').setInputFiles(file('march.pdf', '%PDF-1.7'))
    await s.widget.goOn()
    await s.page.getByRole('alert').waitFor()
    await s.widget.field('file').setInputFiles(file('march.ofx', certain))
    await s.widget.goOn()
    assert.equal((await s.back()).status, 'success')
    assert.deepEqual(await amounts(s.user), [-12.5])
  })

  story(`a table that asks how it is read, ${name}`, options, async (s) => {
    await filer(s)
    await s.open('add_connection', { provider_id: '2999' })
    await s.widget.field('file').setInputFiles(file('export.csv', unsure))
    await s.widget.goOn()
    await s.page.locator('table').waitFor()
    await s.widget.field('file').setInputFiles(file('export.csv', unsure))
    await s.widget.goOn()
    assert.equal((await s.back()).status, 'success')
    assert.deepEqual(await amounts(s.user), [-700, -12.5])
  })
}

story('nobody else finds a way to send a file', async (s) => {
  await s.open('add_connection')
  await s.widget.bank(testBank.name).waitFor()
  assert.equal(await s.widget.button('have_file').count(), 0)
})
