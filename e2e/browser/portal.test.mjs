// The portal's reference, guides and tables, on screens of all sizes.
import assert from 'node:assert/strict'
import { arrived, desktop, narrow, platform, story, until } from './story.mjs'

/** Opens the reference. It has so many words that looking at it takes its time. */
async function reference(s) {
  await s.context.addInitScript(() => {
    const looked = globalThis.oxlinLooked
    globalThis.oxlinLooked = async (found) => {
      await looked(found)
      globalThis.lookedAt = true
    }
  })
  await s.page.goto(platform + '/reference', { timeout: 90_000 })
  await s.page.waitForFunction(() => globalThis.lookedAt, undefined, { timeout: 90_000 })
}

story('the reference on a phone', { viewport: narrow, colorScheme: 'dark' }, reference)

story('the reference is searched', { viewport: desktop }, async (s) => {
  await reference(s)
  const all = await s.page.locator('.operation:visible').count()
  await s.page.keyboard.press('/')
  await s.page.keyboard.type('authorize renewal')
  await s.page.getByRole('status').getByText('found').waitFor()
  const found = await s.page.locator('.operation:visible').evaluateAll((list) => list.map(({ id }) => id))
  assert.ok(found.includes('createAuthorizeUrl') && found.length < 5, String(found))
  await s.inspector.look(s.page)
  await s.page.keyboard.press('Control+A')
  await s.page.keyboard.type('zzzz')
  await s.page.getByRole('status').getByText('nothing found').waitFor()
  await s.page.keyboard.press('Escape')
  await until('all are back', async () => (await s.page.locator('.operation:visible').count()) === all)
  await s.page.getByRole('link', { name: 'Delete a connection with' }).first().click()
  await arrived(s.page, platform + '/reference#deleteConnection')
})

const pages = ['/', '/quickstart', '/docs', '/docs/test-bank', '/docs/events', '/docs/statuses', '/docs/errors', '/docs/none']
for (const [viewport, colorScheme] of [[narrow, 'light'], [{ width: 800, height: 1000 }, 'dark'], [desktop, 'light']])
  story(`every other page at ${viewport.width} pixels, ${colorScheme}`, { viewport, colorScheme, locale: 'en-GB' }, async (s) => {
    for (const path of pages) await s.page.goto(platform + path)
  })
