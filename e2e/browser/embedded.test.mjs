// The user gives the credentials of their bank to us (EMBEDDED).
import assert from 'node:assert/strict'
import { code, demoBank, desktop, dev, narrow, secret, story, testBank, unique } from './story.mjs'

const forced = { provider_id: testBank.id, channel_definition_id: testBank.embedded }

async function assertConnected(s, accounts) {
  const { status, result, connection_id } = await s.back()
  assert.deepEqual({ status, result }, { status: 'success', result: 'created' })
  const connections = await s.user.connections()
  assert.deepEqual(connections.map(({ id, status }) => ({ id, status })), [{ id: connection_id, status: 'SUCCESS' }])
  assert.equal((await s.user.accounts()).length, accounts)
}

story('EMBEDDED: the password, an SMS, its code, and the accounts', async (s) => {
  await s.open('add_connection')
  await s.widget.choose(testBank)
  await s.widget.press('no_current_account')
  await s.widget.login(dev)
  await s.widget.sms(code)
  await s.widget.press('consent')
  await assertConnected(s, 5)
})

story('a bank with a single credential', { viewport: desktop, locale: 'en-GB' }, async (s) => {
  await s.open('add_connection')
  await s.widget.choose(demoBank)
  await s.widget.login({ 10001: 'demo' })
  await s.widget.sms(code)
  await s.widget.press('consent')
  await assertConnected(s, 5)
})

story('the channel can be forced to EMBEDDED', async (s) => {
  await s.open('add_connection', forced)
  await s.widget.field('301').waitFor()
})

story('a wrong password, then the right one', { viewport: desktop, colorScheme: 'dark' }, async (s) => {
  await s.open('add_connection', forced)
  const wrong = secret('a wrong bank password', unique('wrong'))
  await s.widget.login({ ...dev, 301: wrong })
  await s.page.getByRole('alert').waitFor()
  for (const id of ['300', '301']) assert.equal(await s.widget.field(id).inputValue(), '')
  await s.widget.login(dev)
  await s.widget.sms(code)
  await s.widget.press('consent')
  await assertConnected(s, 5)
})

story('what is missing is told beside its field', async (s) => {
  await s.open('add_connection', { provider_id: '119', channel_definition_id: 'embedded1' })
  await s.widget.login({ 3500: 'short' })
  for (const id of ['3500', '3501', '3502']) {
    const field = s.widget.field(id)
    await s.page.waitForFunction((id) => document.getElementById(id).getAttribute('aria-invalid') === 'true', id)
    const described = await field.getAttribute('aria-describedby')
    assert.ok(described, `field ${id} names its error`)
  }
})

story('a wrong SMS code, then the right one', { locale: 'en-GB', viewport: narrow }, async (s) => {
  await s.open('add_connection', forced)
  await s.widget.login(dev)
  await s.widget.sms('999999')
  await s.widget.toldBeside('306')
  await s.widget.answer('307', { 306: code })
  await s.widget.press('consent')
  await assertConnected(s, 5)
})

story('three wrong codes end the attempt, and it can be begun again', async (s) => {
  await s.open('add_connection', forced)
  await s.widget.login({ ...dev, 300: 'dev+sms_wrong' })
  await s.widget.sms('111111', '222222', '333333')
  await s.widget.press('retry')
  await s.widget.field('301').or(s.page.locator('button[name="304"][value=true]')).waitFor()
})

story('four questions of several kinds in one form', { viewport: desktop }, async (s) => {
  const sent = []
  s.page.on('request', (request) => sent.push(request.postData() ?? ''))
  await s.open('add_connection', forced)
  await s.widget.login({ ...dev, 300: 'dev+questions' })
  await s.widget.answer('312', { 313: 'soleil', 314: 'sesame', 315: '2468', 316: '1988-02-29' })
  await s.widget.press('consent')
  await assertConnected(s, 5)
  const answer = new URLSearchParams(sent.find((body) => body.includes('313=')))
  assert.match(answer.get('314'), /^-----BEGIN PGP MESSAGE-----/, 'an answer is encrypted where the bank wants it')
  assert.equal(answer.get('315'), '2468')
})

for (const [scenario, result] of [
  ['locked', 'too_many_attempts'],
  ['password_change', 'password_change_required'],
  ['action_required', 'user_action_required'],
  ['garbage', 'failed'],
])
  story(`the bank's site is in the way: ${scenario}`, async (s) => {
    await s.open('add_connection', forced)
    await s.widget.login({ ...dev, 300: `dev+${scenario}` })
    const asked = s.page.locator('button[name="304"][value=true]')
    await asked.or(s.widget.button('leave')).waitFor()
    if (await asked.isVisible()) await s.widget.sms(code)
    await s.widget.press('leave')
    const told = await s.back()
    assert.deepEqual([told.status, told.result], ['error', result])
  })

story('the password is encrypted in the browser', async (s) => {
  const login = unique('login')
  const password = secret('a bank password', unique('password'))
  const sms = secret('a bank code', '730519')
  const file = s.site.text(
    '/bank.txt',
    `CREDENTIALS|${login}|${password}\nCHALLENGE|SMS|${sms}|0612345678\n` +
      'ACCOUNT|1|00011122233|D|1200.50|Checkings||||COMPTE COURANT|||FR7630001007941234567890185|EUR\n' +
      'TRANSACTION|-12.30|D-3|CB BOULANGERIE\n',
  )
  const sent = []
  s.page.on('request', (request) => sent.push(request.postData() ?? ''))
  await s.open('add_connection', forced)
  await s.widget.login({ 300: login, 301: password, 302: file })
  await s.widget.sms(sms)
  await s.widget.press('consent')
  await assertConnected(s, 1)
  assert.ok(!sent.some((body) => body.includes(password)), 'the password never leaves the browser as it is')
  const form = new URLSearchParams(sent.find((body) => body.includes('301=')))
  const [, base64] = /^-----BEGIN PGP MESSAGE-----\s+([^=]+)/.exec(form.get('301'))
  const [tag, , , , , , version, ...key] = Buffer.from(base64, 'base64')
  assert.deepEqual([tag, version, key[8]], [0xc1, 3, 18], 'its session key is encrypted by ECDH (RFC 6637)')
  assert.match(form.get('key_id'), /^\d+$/)
  assert.equal(form.get('300'), login)
})
