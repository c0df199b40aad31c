// The same customer connects by each interface of the test bank beside STET: on the bank's pages,
// with a code, in an app, and with an answer in the fragment of an address.
import assert from 'node:assert/strict'
import { code, desktop, story } from './story.mjs'

const pages = '183' // the Berlin Group, on the bank's pages
const without = '184' // the Berlin Group, without them
const british = '185' // Open Banking UK

/** The login that an interface without pages of the bank's asks for. */
const login = (psu_id) => ({ psu_id, password: 'dev' })

async function assertConnected(s) {
  await s.widget.press('consent')
  const told = await s.back()
  assert.deepEqual([told.status, told.result], ['success', 'created'])
  const connection = await s.user.get('/connections/' + told.connection_id)
  assert.equal(connection.status, 'SUCCESS')
  const types = (await s.user.accounts()).map((account) => account.type)
  assert.deepEqual(types.sort(), ['CHECKINGS', 'CHECKINGS', 'CREDIT_CARD'])
  assert.ok((await s.user.get('/transactions?limit=5')).length)
}

for (const [what, provider_id, options] of [
  ['the Berlin Group', pages, { viewport: desktop }],
  ['the Berlin Group, without JavaScript', pages, { script: false }],
  ['Open Banking UK, in the fragment', british, { viewport: desktop }],
])
  story(`${what}: on the bank's pages`, options, async (s) => {
    await s.open('add_connection', { provider_id })
    await s.widget.press('authorize')
    await s.bank.agree('dev')
    await assertConnected(s)
  })

for (const [what, provider_id] of [['the Berlin Group', pages], ['Open Banking UK', british]])
  story(`${what}: the user refuses at the bank, thinks again, and agrees`, async (s) => {
    await s.open('add_connection', { provider_id })
    await s.widget.press('authorize')
    await s.bank.cancel()
    await s.page.getByRole('alert').waitFor()
    await s.widget.press('authorize')
    await s.bank.agree('dev')
    await assertConnected(s)
  })

story('Open Banking UK without JavaScript: a page tells that it is needed', { script: false }, async (s) => {
  await s.open('add_connection', { provider_id: british })
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.page.getByRole('alert').waitFor()
  assert.deepEqual(await s.user.connections(), [])
})

story('the Berlin Group: a password, a method and a code', async (s) => {
  await s.open('add_connection', { provider_id: without })
  await s.widget.press('authorize')
  await s.widget.login(login('dev'))
  await s.widget.login({ method: '1' })
  await s.widget.login({ code })
  await assertConnected(s)
})

for (const script of [true, false])
  story(`the Berlin Group: an approval in the app${script ? '' : ', without JavaScript'}`, { script }, async (s) => {
    await s.open('add_connection', { provider_id: without })
    await s.widget.press('authorize')
    await s.widget.login(login('dev+decoupled'))
    await s.page.getByRole('status').filter({ hasText: '42' }).waitFor() // the time may have a 42 too
    await assertConnected(s)
  })
