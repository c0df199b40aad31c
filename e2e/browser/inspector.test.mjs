// The stories rely on every page being looked at; here the look itself is tried.
import assert from 'node:assert/strict'
import { story } from './story.mjs'

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

for (const [mistake, [html, fault]] of Object.entries(mistakes))
  story(`${mistake} is noticed, on a page that is left at once`, async ({ page, site, inspector }) => {
    await page.goto(site.page('/bad', html))
    await page.goto(site.origin)
    await assert.rejects(inspector.verdict(), fault)
    inspector.faults = []
  })

story('a page in a frame is looked at', async ({ page, site, inspector }) => {
  const bad = site.page('/bad', '<h1>Here</h1><img src="/a.png">')
  await page.goto(site.page('/', `<h1>There</h1><iframe title="bad" src="${bad}"></iframe>`))
  await assert.rejects(inspector.verdict(), /bad: image-alt/)
  inspector.faults = []
})
