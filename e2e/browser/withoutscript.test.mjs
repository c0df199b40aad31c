// Everything works in a browser without JavaScript.
import assert from 'node:assert/strict'
import { code, demoBank, desktop, dev, narrow, story, testBank } from './story.mjs'

const plain = { script: false }

story('REDIRECT without JavaScript', plain, async (s) => {
  await s.open('add_connection')
  await s.widget.choose(testBank)
  await s.widget.press('authorize')
  await s.bank.agree('dev+slow-600')
  await s.widget.press('consent')
  const { status, connection_id } = await s.back()
  assert.equal(status, 'success')
  assert.equal((await s.user.get('/connections/' + connection_id)).status, 'SUCCESS')
})

story('EMBEDDED without JavaScript', { ...plain, viewport: desktop }, async (s) => {
  await s.open('add_connection', { provider_id: testBank.id })
  await s.widget.press('no_current_account')
  await s.widget.login({ ...dev, 301: 'wrong' })
  await s.page.getByRole('alert').waitFor()
  await s.widget.login(dev)
  await s.widget.sms('999999')
  await s.widget.toldBeside('306')
  await s.widget.answer('307', { 306: code })
  await s.widget.press('consent')
  assert.equal((await s.back()).status, 'success')
  assert.equal((await s.user.accounts()).length, 5)
})

story('the terms without JavaScript', { ...plain, client: 'sandbox', viewport: narrow }, async (s) => {
  await s.open('add_connection', { provider_id: demoBank.id })
  await s.widget.accept()
  await s.widget.field('10001').waitFor()
})

story('the list of banks is searched without JavaScript', plain, async (s) => {
  await s.open('add_connection')
  await s.page.locator('div.search-input > input#bank-search-input').fill('linxo tset')
  await s.page.keyboard.press('Enter')
  await s.widget.bank(demoBank.name).waitFor({ state: 'detached' })
  await s.widget.choose(testBank)
  await s.widget.button('authorize').waitFor()
})

story('two channels without JavaScript', plain, async (s) => {
  await s.open('add_connection', { provider_id: testBank.id, multiple_channels: true })
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.widget.press('consent')
  await s.widget.press('finish')
  assert.equal((await s.back()).status, 'success')
})
