// A whole journey with the keyboard alone, and the focus always seen.
import assert from 'node:assert/strict'
import { code, demoBank, desktop, story, testBank } from './story.mjs'

/** What is focused, and how one sees that it is. */
const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement
    const style = getComputedStyle(element)
    const box = element.getBoundingClientRect()
    return {
      html: element.outerHTML.slice(0, 200),
      none: element === document.body,
      outlined: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== 'none',
      onScreen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    }
  })

/** Presses Tab until a thing has the focus. */
async function tabTo(page, thing) {
  await thing.waitFor()
  await page.waitForLoadState() // with its style
  for (let presses = 0; presses < 60; presses++) {
    if (await thing.evaluate((element) => element === document.activeElement)) {
      const { html, outlined, onScreen } = await focused(page)
      assert.ok(outlined, `one sees that this has the focus: ${html}`)
      assert.ok(onScreen, `what has the focus is on the screen: ${html}`)
      return
    }
    await page.keyboard.press('Tab')
    const { none, html, outlined } = await focused(page)
    assert.ok(none || outlined, `one sees that this has the focus: ${html}`)
  }
  assert.fail(`Tab does not lead to ${thing}`)
}

async function press(page, thing, key = 'Enter') {
  await tabTo(page, thing)
  await page.keyboard.press(key)
}

async function type(page, thing, text) {
  await tabTo(page, thing)
  await page.keyboard.type(text)
}

story('EMBEDDED with the keyboard alone, from the terms to the end', { client: 'sandbox', viewport: desktop }, async (s) => {
  const { page, widget } = s
  await s.open('add_connection')
  await press(page, page.locator('#terms'), 'Space')
  await press(page, widget.button('accept_terms'))
  await type(page, page.locator('#bank-search-input'), 'demo')
  await widget.bank(testBank.name).waitFor({ state: 'detached' })
  await s.inspector.look(page)
  await press(page, page.locator('button', { has: widget.bank(demoBank.name) }))
  await type(page, widget.field('10001'), 'demo')
  await page.keyboard.press('Enter')
  await press(page, page.locator('button[name="304"][value=true]'))
  await type(page, widget.field('306'), '999999')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').waitFor()
  await type(page, widget.field('306'), code)
  await page.keyboard.press('Enter')
  await press(page, widget.button('consent'))
  assert.equal((await s.back()).status, 'success')
})

story('a choice of accounts with the keyboard alone', { colorScheme: 'dark' }, async (s) => {
  const { page, widget } = s
  await s.open('add_connection', { provider_id: testBank.id, select_accounts: true })
  await press(page, widget.button('authorize'))
  await s.bank.agree('dev')
  const account = page.locator('#account-0')
  await tabTo(page, account)
  const before = await account.isChecked()
  await page.keyboard.press('Space')
  assert.notEqual(await account.isChecked(), before)
  if (before) await page.keyboard.press('Space')
  await press(page, page.locator('[data-e2e=submit-button]'))
  assert.equal((await s.back()).status, 'success')
})

story('a password can be shown with the keyboard', async (s) => {
  const { page, widget } = s
  await s.open('add_connection', { provider_id: testBank.id, channel_definition_id: testBank.embedded })
  await type(page, widget.field('301'), 'dev')
  await press(page, page.locator('button[data-reveal="301"]'))
  assert.equal(await widget.field('301').getAttribute('type'), 'text')
})
