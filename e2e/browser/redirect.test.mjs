// The user logs in at their bank's own site (REDIRECT).
import assert from 'node:assert/strict'
import { bank, bankAddress, demoBank, desktop, narrow, platform, story, testBank } from './story.mjs'

const connected = { status: 'success', result: 'created' }

function assertConnected(told) {
  const { status, result } = told
  assert.deepEqual({ status, result }, connected)
  assert.match(told.connection_id, /^\d+$/)
  assert.match(told.queue_id, /^\d+$/)
  assert.equal(told.error_description, undefined)
}

story('REDIRECT: from the list of banks to the accounts', { viewport: desktop }, async (s) => {
  await s.open('add_connection')
  await s.widget.choose(testBank)
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.widget.press('consent')
  const told = await s.back()
  assertConnected(told)

  const connection = await s.user.get('/connections/' + told.connection_id)
  assert.equal(connection.status, 'SUCCESS', 'the user was kept until everything was there')
  const types = (await s.user.accounts()).map((account) => account.type)
  assert.deepEqual(types.sort(), ['CHECKINGS', 'CHECKINGS', 'CREDIT_CARD'])
  assert.ok((await s.user.get('/transactions?limit=5')).length)

  const events = await s.user.events(told.queue_id)
  const order = ['WIDGET_CHOOSE_BANK', 'LIST_ACCOUNTS_SUCCESS', 'WIDGET_CONSENT', 'SYNC_ALL_RUNNING', 'SYNC_ALL_SUCCESS']
  assert.deepEqual(events.filter((type) => order.includes(type)), order)
})

story('the list of banks is skipped where the bank is given', { locale: 'en-GB' }, async (s) => {
  await s.open('add_connection', { provider_id: testBank.id })
  await s.widget.button('no_current_account').waitFor()
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.widget.press('consent')
  assertConnected(await s.back())
})

story('the list of banks is skipped where the session has the bank', async (s) => {
  s.session = await s.user.session({ provider_id: testBank.id })
  await s.open('add_connection')
  await s.widget.button('authorize').waitFor()
  await s.open('add_connection', { provider_id: demoBank.id })
  await s.widget.field('10001').waitFor()
})

story('the channel can be forced to REDIRECT', async (s) => {
  await s.open('add_connection', { provider_id: testBank.id, channel_definition_id: testBank.redirect })
  await s.widget.button('authorize').waitFor()
  assert.equal(await s.widget.button('no_current_account').count(), 0)
})

for (const [what, parameters, result] of [
  ['bank', { provider_id: '999999' }, 'invalid_provider'],
  ['channel', { provider_id: testBank.id, channel_definition_id: '999999' }, 'invalid_channel_definition'],
  ['channel of another bank', { provider_id: testBank.id, channel_definition_id: demoBank.embedded }, 'invalid_channel_definition'],
])
  story(`an unknown ${what} sends the user back with an error`, async (s) => {
    await s.open('add_connection', parameters)
    const told = await s.back()
    assert.equal(told.status, 'error')
    assert.equal(told.result, result)
    assert.ok(told.error_description)
    assert.deepEqual(await s.user.connections(), [])
  })

story('the user refuses at the bank, thinks again, and agrees', { viewport: narrow }, async (s) => {
  await s.open('add_connection', { provider_id: testBank.id })
  await s.widget.press('authorize')
  await s.bank.cancel()
  await s.page.getByRole('alert').waitFor()
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.widget.press('consent')
  assertConnected(await s.back())
  assert.equal((await s.user.connections()).length, 1)
})

story('the user cancels at the bank and in the widget', async (s) => {
  await s.open('add_connection', { provider_id: testBank.id })
  await s.widget.press('authorize')
  await s.bank.cancel()
  await s.page.getByRole('alert').waitFor()
  await s.widget.press('cancel')
  const { status, result } = await s.back()
  assert.deepEqual({ status, result }, { status: 'cancelled', result: 'cancelled' })
  assert.deepEqual(await s.user.connections(), [])
})

story('the bank refuses the user', { colorScheme: 'dark' }, async (s) => {
  await s.open('add_connection', { provider_id: testBank.id })
  await s.widget.press('authorize')
  await s.bank.login({ login: 'dev+refuse' })
  await s.page.getByRole('alert').waitFor()
  await s.widget.button('authorize').waitFor()
})

story('the bank answers with an error, then works', async (s) => {
  await s.open('add_connection', { provider_id: testBank.id })
  await s.widget.press('authorize')
  await s.page.locator('#login').waitFor()
  const { searchParams } = new URL(s.page.url())
  const callback = new URL(searchParams.get('redirect_uri'))
  callback.search = new URLSearchParams({ error: 'server_error', state: searchParams.get('state') })
  await s.page.goto(callback.href)
  await s.page.getByRole('alert').waitFor()
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.widget.press('consent')
  assertConnected(await s.back())
})

story('the bank speaks nonsense after the login', async (s) => {
  await s.open('add_connection', { provider_id: testBank.id })
  await s.widget.press('authorize')
  await s.bank.agree('dev+garbage')
  await s.widget.press('leave')
  const told = await s.back()
  assert.equal(told.status, 'error')
  assert.equal(told.result, 'failed')
})

story('a return from the bank that nobody waits for is told plainly', async (s) => {
  const answer = await s.page.goto(`${platform}/oauth2/aisp?code=abc&state=nobody-knows-it`)
  assert.ok(answer.status() >= 400 && answer.status() < 500)
  await s.page.locator('h1').waitFor()
})
