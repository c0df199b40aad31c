// The entry points beside adding and editing: managing accounts, answering a bank,
// professional accounts.
import assert from 'node:assert/strict'
import { code, demoBank, desktop, story, until } from './story.mjs'

story('manage_accounts: the user shares one account less', { viewport: desktop }, async (s) => {
  const { id } = await s.user.connect()
  await s.open('manage_accounts', { connection_id: id })
  await s.page.locator('label[for=account-1]').click()
  await s.widget.goOn()
  assert.equal((await s.back()).status, 'success')
  const left = (await s.user.accounts()).filter(({ status }) => status === 'ACTIVE')
  assert.equal(left.length, 2)
})

story('manage_accounts: cancelled, nothing changes', async (s) => {
  const { id } = await s.user.connect()
  await s.open('manage_accounts', { connection_id: id })
  await s.page.locator('label[for=account-0]').click()
  await s.widget.press('cancel')
  assert.equal((await s.back()).status, 'cancelled')
  assert.equal((await s.user.accounts()).length, 3)
})

async function asked(s) {
  const json = { provider_id: demoBank.id, credentials: [{ id: '10001', value: 'demo' }] }
  const { location } = await s.user.api('POST', '/connections', json)
  const id = location.split('/').pop()
  const queue = (await s.user.api('POST', '/queues/subscribe', { topics: ['connections'] })).location.split('/').pop()
  await until('the bank asks', async () => (await s.user.events(queue)).includes('LIST_ACCOUNTS_USER_INPUT_REQUESTED'))
  return id
}

story('user_input: what a bank asks of a connection that the integrator made', { locale: 'en-GB' }, async (s) => {
  const connection_id = await asked(s)
  await s.open('user_input', { connection_id })
  await s.widget.sms('999999')
  await s.page.getByRole('alert').waitFor()
  await s.widget.answer('307', { 306: code })
  const told = await s.back()
  assert.deepEqual([told.status, told.connection_id], ['success', connection_id])
  assert.equal((await s.user.settled(connection_id)).status, 'SUCCESS')
})

story('user_input where nothing is asked', async (s) => {
  const { id } = await s.user.connect()
  await s.open('user_input', { connection_id: id })
  assert.equal((await s.back()).status, 'success')
})

for (const [action, result, left] of [
  ['validate', 'validated', 4],
  ['refuse', 'refused', 3],
])
  story(`professional accounts: ${action}`, { colorScheme: action === 'refuse' ? 'dark' : 'light' }, async (s) => {
    await s.user.connect('dev+professional')
    const waiting = (await s.user.accounts()).filter(({ status }) => status === 'SUSPENDED')
    assert.equal(waiting.length, 1)
    await s.open('professional_account')
    await s.widget.press(action)
    const told = await s.back()
    assert.deepEqual([told.status, told.result], ['success', result])
    await until('no account waits', async () => (await s.user.accounts()).every(({ status }) => status !== 'SUSPENDED'))
    assert.equal((await s.user.accounts()).length, left)
  })
