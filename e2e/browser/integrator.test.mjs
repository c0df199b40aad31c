// The sample integrator in examples/integrator, as a newcomer tries it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { arrived, bank, code, demoBank, desktop, platform, story, testBank, widget } from './story.mjs'

/** Tells a story at the example's own address. */
function visit(name, options, tell) {
  story(name, options, async (s) => {
    const flags = ['-listen', '127.0.0.1:0', '-platform', platform]
    const program = spawn(process.env.OXLIN_EXAMPLE, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const [line] = await once(createInterface(program.stdout), 'line')
      const address = line.split(' ')[1]
      s.inspector.origins.push(address)
      await s.page.goto(address)
      await tell(s, address)
      await s.inspector.verdict()
    } finally {
      program.kill()
    }
  })
}

visit('the sample integrator sends its user to the widget, and shows the accounts', {}, async (s, address) => {
  await s.page.locator('#redirect').click()
  await s.widget.accept()
  await s.widget.choose(testBank)
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.widget.press('consent')
  await s.widget.press('finish')
  await arrived(s.page, address + '/accounts')
  assert.equal(await s.page.getByRole('row').count(), 1 + 3)
})

visit('the sample integrator shows the widget in a frame', { viewport: desktop }, async (s, address) => {
  await s.page.locator('#frame').click()
  const inside = widget(s.page.frameLocator('iframe'))
  await inside.accept()
  await inside.choose(demoBank)
  await inside.login({ 10001: 'demo' })
  await inside.sms(code)
  await inside.press('consent')
  await arrived(s.page, address + '/accounts')
  assert.equal(await s.page.getByRole('row').count(), 1 + 5)
})

visit('the sample integrator takes the user back from the bank in its own tab', { viewport: desktop }, async (s, address) => {
  await s.page.locator('#frame').click()
  const inside = widget(s.page.frameLocator('iframe'))
  await inside.accept()
  await inside.choose(testBank)
  const opened = s.context.waitForEvent('page')
  await inside.press('authorize')
  const tab = await opened
  await bank(tab).agree('dev')
  await arrived(tab, address + '/from-bank')
  await widget(tab.frameLocator('iframe')).press('consent')
  await widget(tab.frameLocator('iframe')).press('finish')
  await arrived(tab, address + '/accounts')
  assert.equal(await tab.getByRole('row').count(), 1 + 3)
})

visit('the sample integrator bears with a user who cancels', {}, async (s) => {
  await s.page.locator('#redirect').click()
  await s.widget.press('cancel')
  await s.page.getByRole('heading', { name: 'Maybe another time' }).waitFor()
})
