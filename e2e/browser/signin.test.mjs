// Pages beside the widget that users see: the platform's sign-in, and the test bank's own.
import assert from 'node:assert/strict'
import { bankAddress, desktop, platform, story, unique } from './story.mjs'

const authorize = (target) =>
  `${bankAddress}/authorize?${new URLSearchParams({ create: true, redirect_uri: target, state: 'mine' })}`

story('the bank takes a login and a code, right after wrong', async ({ page, bank, back, target }) => {
  await page.goto(authorize(target))
  await bank.login({ login: 'dev+sms', password: unique('wrong') })
  await page.locator('#error').waitFor()
  await bank.login({ login: 'dev+sms' })
  await bank.confirm('999999')
  await page.locator('#error').waitFor()
  await bank.confirm()
  const { code, state } = await back()
  assert.ok(code)
  assert.equal(state, 'mine')
})

story('the bank lets the user refuse', { colorScheme: 'dark' }, async ({ page, bank, back, target }) => {
  await page.goto(authorize(target))
  await bank.login({ login: 'dev+sms' })
  await bank.refuse()
  assert.equal((await back()).error, 'access_denied')
})

story('a user signs in to an application', { viewport: desktop }, async ({ page, user, client, back, target }) => {
  const { client_id } = client.credentials
  const query = { response_type: 'code', client_id, redirect_uri: target, scope: 'openid accounts_read', state: 'a-state-of-mine' }
  await page.goto(`${platform}/signin?${new URLSearchParams(query)}`)
  await page.locator('#username').fill(user.login.email)
  await page.locator('#password').fill(unique('wrong'))
  await page.locator('#password').press('Enter')
  await page.locator('#problem').waitFor()
  await page.locator('#password').fill(user.login.password)
  await page.locator('[data-reveal=password]').click()
  await page.locator('#password[type=text]').waitFor()
  await page.locator('[data-reveal=password][aria-pressed=true]').click()
  await page.locator('#password[type=password]').waitFor()
  await page.locator('#password').press('Enter')
  const { code } = await back()
  const grant = { grant_type: 'authorization_code', redirect_uri: target, code }
  assert.ok((await client.token(grant)).access_token)
})

for (const look of [{ colorScheme: 'light' }, { colorScheme: 'dark', script: false, viewport: desktop }])
  story(`a user ends a sign-in on the page of their own, ${look.colorScheme}`, look, async ({ page, context, user, client, target }) => {
    const { client_id } = client.credentials
    const query = { response_type: 'code', client_id, redirect_uri: target, scope: 'openid accounts_read' }
    await page.goto(`${platform}/signin?${new URLSearchParams(query)}`)
    const opened = context.waitForEvent('page')
    await page.locator('a[target=_blank]').click()
    const own = await opened
    await own.locator('#username').fill(user.login.email)
    await own.locator('#password').fill(user.login.password)
    await own.locator('#password').press('Enter')
    assert.ok(await user.get('/users/me'))
    await own.locator('button[name=sign_in]').click()
    await own.locator('p.news').waitFor()
    assert.equal(await own.locator('button[name=sign_in]').count(), 0)
    await assert.rejects(user.get('/users/me'), /401/)
    await own.locator('form[action^="/signin/account/leave"] button').click()
    await own.locator('#username').waitFor()
  })
