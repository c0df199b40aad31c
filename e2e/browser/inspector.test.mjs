// The stories rely on every page being looked at; here the look itself is tried.
import assert from 'node:assert/strict'
import { arrived, story } from './story.mjs'

const mistakes = {
  'a picture without a text': ['<h1>Here</h1><img src="/a.png">', /image-alt/],
  'pale letters': ['<h1 style="color:#ddd">Here</h1>', /color-contrast/],
  'a page that scrolls sideways': ['<h1>Here</h1><div style="width:900px">wide</div>', /too wide/],
  'an error in a script': ['<h1>Here</h1><script>nobody()</script>', /nobody is not defined/],
  'what the policy forbids': [
    `<meta http-equiv="content-security-policy" content="script-src 'none'"><h1>Here</h1><script>1</script>`,
    /Content Security Policy/,
  ],
  'a request to a stranger': ['<h1>Here</h1><img alt="" src="http://stranger.invalid/a.png">', /stranger/],
}

async function assertNoticed({ inspector }, fault) {
  await assert.rejects(inspector.verdict(), fault)
  inspector.faults = []
}

const tell = ([html, fault]) => async (s) => {
  await s.page.goto(s.site.page('/bad', html))
  await s.page.goto(s.site.origin)
  await assertNoticed(s, fault)
}

for (const [mistake, told] of Object.entries(mistakes))
  story(`${mistake} is noticed, on a page that is left at once`, tell(told))

for (const [mistake, told] of Object.entries({
  ...Object.fromEntries(Object.entries(mistakes).filter(([, [html]]) => !html.includes('script'))),
  'a picture that a script would take away': ['<h1>Here</h1><img src="/a.png"><script>document.images[0].remove()</script>', /image-alt/],
  'pale letters for those without JavaScript': ['<h1>Here</h1><noscript><p style="color:#ddd">Pale</p></noscript>', /color-contrast/],
  'a page that goes on by itself': ['<meta http-equiv="refresh" content="0;url=/"><h1>Here</h1><img src="/a.png">', /image-alt/],
}))
  story(`${mistake} is noticed without JavaScript`, { script: false }, tell(told))

story('what only a script would show is no mistake without JavaScript', { script: false }, async ({ page, site, inspector }) => {
  await page.goto(site.page('/good', '<h1>Here</h1><script>document.body.append(new Image())</script>'))
  await inspector.verdict()
})

story('a page that is left before it has loaded is looked at', async (s) => {
  const html = '<h1>Here</h1><img src="/a.png"><script>location.replace("/")</script>'
  await s.page.goto(s.site.page('/bad', html), { waitUntil: 'commit' })
  await arrived(s.page, s.site.origin)
  await assertNoticed(s, /bad: image-alt/)
})

story('a page that is left before its style has come was seen by nobody', async ({ page, site, inspector }) => {
  await page.route('**/late.css', () => {}) // it never comes
  const html = '<link rel="stylesheet" href="/late.css"><h1>Here</h1><img src="/a.png">'
  await page.goto(site.page('/late', html), { waitUntil: 'commit' })
  await page.locator('h1').waitFor({ state: 'attached' })
  await page.goto(site.origin)
  await inspector.verdict()
})

for (const script of [true, false])
  story(`a page in a frame is looked at, ${script ? 'with' : 'without'} JavaScript`, { script }, async (s) => {
    const bad = s.site.page('/bad', '<h1>Here</h1><img src="/a.png">')
    await s.page.goto(s.site.page('/', `<h1>There</h1><iframe title="bad" src="${bad}"></iframe>`))
    await assertNoticed(s, /bad: image-alt/)
  })
