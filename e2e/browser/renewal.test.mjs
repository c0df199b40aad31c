// A connection that is there already gets a new consent, or new credentials.
import assert from 'node:assert/strict'
import { bank, code, desktop, demoBank, dev, secret, story, testBank, unique, until } from './story.mjs'

const redirect = { channel_definition_id: testBank.redirect }
const embedded = { channel_definition_id: testBank.embedded }

/** Connects, then lets the consent expire at the bank, and notices. */
async function expired(s, login) {
  const { id } = await s.user.connect(login)
  await s.bank.scenario(login, 'consent_expired')
  await s.user.api('POST', `/connections/${id}/synchronize`, { type: 'ALL' })
  await until('the consent is known to have expired', async () => (await channel(s, id)).status === 'TOKEN_EXPIRED')
  await s.bank.heal(login)
  return id
}

const channel = async (s, id, definition = testBank.redirect) =>
  (await s.user.get('/connections/' + id)).channels.find((one) => one.channel_definition_id === definition)

async function assertUpdated(s, connection_id) {
  const told = await s.back()
  assert.deepEqual([told.status, told.result, told.connection_id], ['success', 'updated', connection_id])
  const connections = await s.user.connections()
  assert.deepEqual(connections.map(({ id, status }) => ({ id, status })), [{ id: connection_id, status: 'SUCCESS' }])
}

story('an expired consent is renewed', { viewport: desktop }, async (s) => {
  const connection_id = await expired(s, 'dev+slow-11')
  const before = (await s.user.accounts()).map(({ id }) => id)
  await s.open('edit_credentials', { connection_id, expected_account_types: 'PAYMENT' })
  await s.widget.press('authorize')
  await s.bank.agree('dev+slow-11')
  await s.widget.press('consent')
  await assertUpdated(s, connection_id)
  assert.deepEqual((await s.user.accounts()).map(({ id }) => id), before, 'accounts keep their ids')
  assert.equal((await channel(s, connection_id)).status, 'SUCCESS')
})

story('an expired consent is renewed without JavaScript', { script: false }, async (s) => {
  const connection_id = await expired(s, 'dev+slow-12')
  await s.open('edit_credentials', { connection_id, ...redirect })
  await s.widget.press('authorize')
  await s.bank.agree('dev+slow-12')
  await s.widget.press('consent')
  await assertUpdated(s, connection_id)
})

story('the user does not renew', async (s) => {
  const connection_id = await expired(s, 'dev+slow-13')
  await s.open('edit_credentials', { connection_id, ...redirect })
  await s.widget.press('authorize')
  await s.bank.cancel()
  await s.page.getByRole('alert').waitFor()
  await s.widget.press('cancel')
  assert.equal((await s.back()).status, 'cancelled')
  assert.equal((await s.user.accounts()).length, 3, 'what was there stays')
})

story('the other channel is added to a connection', async (s) => {
  const { id } = await s.user.connect()
  await s.open('edit_credentials', { connection_id: id, expected_account_types: 'OTHER' })
  await s.widget.login(dev)
  await s.widget.sms(code)
  await s.widget.press('consent')
  await assertUpdated(s, id)
  assert.equal((await s.user.accounts()).length, 5)
})

story('which channel is meant is asked where nothing says', { locale: 'en-GB' }, async (s) => {
  const { id } = await s.user.connect()
  await s.open('edit_credentials', { connection_id: id })
  await s.widget.channel(testBank.embedded)
  await s.widget.field('301').waitFor()
})

story('a new password', async (s) => {
  await s.open('add_connection', { provider_id: testBank.id, ...embedded })
  await s.widget.login(dev)
  await s.widget.sms(code)
  await s.widget.press('consent')
  const { connection_id } = await s.back()
  await s.open('edit_credentials', { connection_id, ...embedded })
  await s.widget.login({ 301: secret('a wrong bank password', unique('wrong')) })
  await s.page.getByRole('alert').waitFor()
  await s.widget.login(dev) // what the bank refused is typed anew, all of it
  await s.widget.press('consent')
  await assertUpdated(s, connection_id)
})

for (const [what, connection_id] of [
  ['nobody has', '999999'],
  ['is not given', ''],
])
  story(`a connection that ${what} cannot be edited`, async (s) => {
    await s.open('edit_credentials', connection_id ? { connection_id } : {})
    const told = await s.back()
    assert.equal(told.status, 'error')
    assert.ok(told.result)
  })
