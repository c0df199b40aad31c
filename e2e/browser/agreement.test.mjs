// The terms that users of a client without its own PSD2 agreement accept first, and what
// only a client with one may ask for.
import assert from 'node:assert/strict'
import { desktop, narrow, platform, story, testBank } from './story.mjs'

const unlicensed = { client: 'sandbox' }
const provider_id = testBank.id

async function refused(user) {
  const answer = await fetch(platform + '/v2.1/accounts', { headers: { authorization: 'Bearer ' + user.tokens.access_token } })
  return answer.status === 401 && (await answer.json()).error_description
}

story('the terms come first, once, and then what was asked for', { ...unlicensed, viewport: narrow }, async (s) => {
  assert.equal(await refused(s.user), 'ACCEPT_TERMS_AND_CONDITIONS_REQUIRED')
  await s.open('add_connection', { provider_id })
  await s.widget.press('accept_terms')
  await s.page.getByRole('alert').waitFor()
  await s.widget.accept()
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.widget.press('consent')
  const { status, connection_id } = await s.back()
  assert.equal(status, 'success')
  assert.equal(await refused(s.user), false)
  assert.equal((await s.user.get('/connections/' + connection_id)).status, 'SUCCESS')

  await s.open('add_connection', { provider_id }, await s.user.session())
  await s.widget.button('authorize').waitFor()
})

story('the terms can be read in full', { ...unlicensed, viewport: desktop, locale: 'en-GB' }, async (s) => {
  await s.open('add_connection')
  const opened = s.context.waitForEvent('page')
  await s.page.locator('a[target=_blank]').click()
  const terms = await opened
  await terms.locator('h2').first().waitFor()
  assert.equal(await terms.locator('html').getAttribute('lang'), 'en')
})

story('the terms alone', unlicensed, async (s) => {
  await s.open('terms')
  await s.widget.accept()
  assert.equal((await s.back()).status, 'success')
  assert.equal(await refused(s.user), false)
  await s.open('terms')
  assert.equal((await s.back()).status, 'success', 'accepted before')
})

story('the terms not accepted', { ...unlicensed, colorScheme: 'dark' }, async (s) => {
  await s.open('terms')
  await s.widget.press('cancel')
  const { status, result } = await s.back()
  assert.deepEqual({ status, result }, { status: 'cancelled', result: 'cancelled' })
  assert.equal(await refused(s.user), 'ACCEPT_TERMS_AND_CONDITIONS_REQUIRED')
})

for (const [what, entry, parameters] of [
  ['select_accounts', 'add_connection', { select_accounts: true }],
  ['consent_per_account', 'add_connection', { consent_per_account: true }],
  ['its own terms', 'add_connection', { terms_body: '' }],
  ['manage_accounts', 'manage_accounts', { connection_id: '1' }],
])
  story(`an unlicensed client asks for ${what}`, unlicensed, async (s) => {
    await s.open(entry, parameters)
    const told = await s.back()
    assert.deepEqual([told.status, told.result], ['error', 'agreement_required'])
    assert.ok(told.error_description)
  })

story('an unlicensed client asks for false of what it may not have', unlicensed, async (s) => {
  await s.open('add_connection', { select_accounts: false, consent_per_account: false })
  await s.page.locator('#terms').waitFor()
})

story('the look that an unlicensed client asks for is ignored', unlicensed, async (s) => {
  await s.open('add_connection', { font: 'Arial', font_color: 'Blue', elements_color: 'Yellow' })
  await s.page.locator('#terms').waitFor()
})

story('a licensed client has its colours and its own terms', async (s) => {
  const theme = { font: 'Georgia', font_color: '#202040', elements_color: '#204080' }
  const terms = { terms_header: 'Our own words', terms_body: 'First line.\nSecond line.' }
  await s.open('add_connection', { provider_id, ...theme, ...terms })
  const look = await s.page.evaluate(() => {
    const paint = document.createElement('canvas').getContext('2d')
    const numbers = (color) => {
      paint.fillStyle = color
      paint.fillRect(0, 0, 1, 1)
      return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3)
    }
    const body = getComputedStyle(document.body)
    const button = getComputedStyle(document.querySelector('[data-e2e=submit-button]'))
    return { font: body.fontFamily, text: numbers(body.color), button: numbers(button.backgroundColor) }
  })
  assert.match(look.font, /Georgia/)
  assert.deepEqual([look.text, look.button], [[0x20, 0x20, 0x40], [0x20, 0x40, 0x80]])
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.page.getByText('Our own words').first().waitFor()
  await s.page.getByText('Second line.').waitFor()
  await s.widget.press('consent')
  assert.equal((await s.back()).status, 'success')
})

story('a licensed client may leave the consent screen to itself', async (s) => {
  await s.open('add_connection', { provider_id, terms_body: '' })
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  assert.equal((await s.back()).status, 'success')
})

story('a token without the rights that the widget needs', { scope: 'openid profile accounts_read' }, async (s) => {
  await s.open('add_connection')
  const told = await s.back()
  assert.deepEqual([told.status, told.result], ['error', 'insufficient_scope'])
})
