// Languages, colours, sizes, and the list of banks.
import assert from 'node:assert/strict'
import { demoBank, desktop, narrow, story, testBank } from './story.mjs'

const language = (page) => page.locator('html').getAttribute('lang')

for (const [what, locale, parameters, wanted] of [
  ['a browser in English', 'en-GB', {}, 'en'],
  ['a browser in French', 'fr-FR', {}, 'fr'],
  ['a browser in Finnish', 'fi-FI', {}, 'fr'],
  ['lng=en', 'fr-FR', { lng: 'en' }, 'en'],
  ['lng=fr', 'en-GB', { lng: 'fr' }, 'fr'],
  ['locale=en_EN', 'fr-FR', { locale: 'en_EN' }, 'en'],
  ['locale=en-GB', 'fr-FR', { locale: 'en-GB' }, 'en'],
  ['a language that we do not have', 'en-GB', { lng: 'xx' }, 'en'],
])
  story(`the language: ${what}`, { locale }, async (s) => {
    await s.open('add_connection', { provider_id: demoBank.id, ...parameters })
    assert.equal(await language(s.page), wanted)
    assert.equal(await s.page.locator('[data-e2e=submit-button]').innerText(), { en: 'Continue', fr: 'Continuer' }[wanted])
  })

story('the user changes the language in the middle, and it stays', async (s) => {
  await s.open('add_connection')
  await s.page.locator('a[hreflang=en]').click()
  await s.widget.choose(demoBank)
  await s.widget.field('10001').waitFor()
  assert.equal(await language(s.page), 'en')
})

for (const path of ['/v2.1/widget_session', '/v2.1/widget/widget_session'])
  story(`a session made at ${path} opens pages with and without the version`, async (s) => {
    s.session = await s.user.session({}, { path })
    const link = await s.link('add_connection', { provider_id: demoBank.id })
    const version = link.includes('/v2.1/') ? link.replace('/v2.1/', '/') : link.replace('/widget/', '/v2.1/widget/')
    for (const address of [link, version]) {
      await s.page.goto(address)
      await s.widget.field('10001').waitFor()
      assert.equal(s.page.url().includes('/v2.1/'), address.includes('/v2.1/'), 'a flow stays where it began')
    }
  })

story('REDIRECT at /v2.1: the second channel is offered', { viewport: desktop }, async (s) => {
  const link = await s.link('add_connection', { provider_id: testBank.id })
  await s.page.goto(link.replace(/(\/v2\.1)?\/widget\//, '/v2.1/widget/'))
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.widget.press('consent')
  await s.widget.press('finish')
  assert.equal((await s.back()).status, 'success')
})

for (const [viewport, colorScheme] of [[narrow, 'light'], [desktop, 'dark']])
  story(`the list of banks at ${viewport.width} pixels, ${colorScheme}`, { viewport, colorScheme }, async (s) => {
    await s.open('add_connection')
    const background = await s.page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const channels = background.match(/[\d.]+/g).slice(0, 3).map(Number)
    assert.equal(Math.max(...channels) < 128, colorScheme === 'dark', background)
    const input = s.page.locator('div.search-input > input#bank-search-input')
    await input.pressSequentially('lnixo')
    await s.widget.bank(demoBank.name).waitFor({ state: 'detached' })
    await s.inspector.look(s.page)
    await input.fill('zzzzzzzz')
    await s.widget.bank(testBank.name).waitFor({ state: 'detached' })
    await s.inspector.look(s.page)
    await input.fill('')
    await s.widget.bank(demoBank.name).waitFor()
    await s.widget.choose(testBank)
    await s.widget.button('authorize').waitFor()
  })

story('nothing that an address carries is told on', async (s) => {
  const seen = []
  s.page.on('request', (request) => seen.push(request))
  await s.open('add_connection', { provider_id: testBank.id })
  await s.widget.press('authorize')
  await s.page.locator('#login').waitFor()
  const session = s.session.id
  const { headers, url } = { headers: await seen.at(-1).allHeaders(), url: s.page.url() }
  assert.ok(!url.includes(session) && !JSON.stringify(headers).includes(session))
  assert.ok(!(await s.page.evaluate(() => document.referrer)).includes(session))
})
