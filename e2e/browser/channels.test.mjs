// A bank with two channels, and a choice of accounts.
import assert from 'node:assert/strict'
import { code, dev, desktop, framed, narrow, story, testBank } from './story.mjs'

const provider_id = testBank.id

async function channels(user) {
  const [connection, ...others] = await user.connections()
  assert.deepEqual(others, [])
  return Object.fromEntries(connection.channels.map((channel) => [channel.channel_definition_id, channel.status]))
}

story('select_channel: the user chooses EMBEDDED', async (s) => {
  await s.open('add_connection', { provider_id, select_channel: true })
  await s.widget.channel(testBank.embedded)
  await s.widget.login(dev)
  await s.widget.sms(code)
  await s.widget.press('consent')
  assert.equal((await s.back()).status, 'success')
  assert.deepEqual(await channels(s.user), { [testBank.redirect]: 'EMPTY', [testBank.embedded]: 'SUCCESS' })
})

story('select_channel: the user chooses REDIRECT', async (s) => {
  await s.open('add_connection', { provider_id, select_channel: true })
  await s.widget.channel(testBank.redirect)
  await s.widget.press('authorize')
  await s.page.locator('#login').waitFor()
})

story('multiple_channels: REDIRECT, then EMBEDDED in the same connection', { viewport: desktop }, async (s) => {
  await s.open('add_connection', { multiple_channels: true })
  await s.widget.choose(testBank)
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.widget.press('consent')
  await s.widget.press('add_channel')
  await s.widget.login(dev)
  await s.widget.sms(code)
  await s.widget.press('consent')
  assert.equal((await s.back()).status, 'success')
  assert.deepEqual(await channels(s.user), { [testBank.redirect]: 'SUCCESS', [testBank.embedded]: 'SUCCESS' })
  assert.equal((await s.user.accounts()).length, 5, 'an account that both channels see is one')
})

story('multiple_channels: the second channel can be left out', async (s) => {
  await s.open('add_connection', { provider_id, multiple_channels: true })
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.widget.press('consent')
  await s.widget.press('finish')
  assert.equal((await s.back()).status, 'success')
  assert.equal((await channels(s.user))[testBank.redirect], 'SUCCESS')
})

for (const [types, first] of [
  ['PAYMENT', 'authorize'],
  ['ALL', 'authorize'],
  ['OTHER', null],
])
  story(`expected_account_types: ${types} begins where those accounts are`, { viewport: framed }, async (s) => {
    await s.open('add_connection', { provider_id, expected_account_types: types })
    await (first ? s.widget.button(first) : s.widget.field('301')).waitFor()
  })

/** Ticks the accounts at these places alone, and goes on. */
async function share(s, ...places) {
  await s.page.locator('#account-0').waitFor()
  for (let i = 0, n = await s.page.locator('input[name=account]').count(); i < n; i++)
    if ((await s.page.locator(`#account-${i}`).isChecked()) !== places.includes(i))
      await s.page.locator(`label[for=account-${i}]`).click()
  await s.widget.goOn()
}

story('select_accounts: the user shares one account, not none', async (s) => {
  await s.open('add_connection', { provider_id, select_accounts: true })
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await share(s)
  await s.page.getByRole('alert').waitFor()
  await share(s, 1)
  const { connection_id } = await s.back()
  const accounts = await s.user.accounts()
  assert.deepEqual(accounts.filter(({ status }) => status === 'ACTIVE').map(({ name }) => name), ['COMPTE JOINT'])
  assert.equal((await s.user.get('/connections/' + connection_id)).consent_per_account, true)
})

story('select_accounts: an account whose name is a long word', { viewport: narrow }, async (s) => {
  const account = (n, name) => `ACCOUNT|${n}|0001112223${n}|D|1200.50|Checkings||||${name}|||FR763000100794123456789018${n}|EUR\n`
  const names = ['dupont.jean-christophe.entreprise@exemple.fr', 'ASSURANCE_VIE_MULTISUPPORT_0012', 'W'.repeat(80)]
  const file = s.site.text('/bank.txt', 'CREDENTIALS|dev|dev\n' + names.map((name, n) => account(n, name)).join(''))
  await s.open('add_connection', { provider_id, select_accounts: true, expected_account_types: 'OTHER' })
  await s.widget.login({ ...dev, 302: file })
  await s.widget.sms(code)
  await share(s, 0)
  assert.equal((await s.back()).status, 'success')
})

story('multiple_channels with select_accounts: a choice for each channel', async (s) => {
  await s.open('add_connection', { provider_id, multiple_channels: true, select_accounts: true })
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await share(s, 0)
  await s.widget.press('add_channel')
  await s.widget.login(dev)
  await s.widget.sms(code)
  await s.page.locator('#account-0').waitFor()
  const names = await s.page.locator('label[for^=account-]').allInnerTexts()
  const savings = names.findIndex((name) => name.includes('LIVRET A'))
  const current = names.findIndex((name) => name.includes('COMPTE COURANT'))
  await share(s, ...[savings, current].filter((place) => place >= 0))
  assert.equal((await s.back()).status, 'success')
  const active = (await s.user.accounts()).filter(({ status }) => status === 'ACTIVE')
  assert.deepEqual(active.map(({ name }) => name).sort(), ['COMPTE COURANT', 'LIVRET A'])
})
