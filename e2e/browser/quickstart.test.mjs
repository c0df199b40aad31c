// The portal's quickstart: its eight steps, in the page and by its commands.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { arrived, bank, code, demoBank, desktop, phone, platform, secret, story, testBank, unique, widget } from './story.mjs'

const run = promisify(execFile)

/** The quickstart, as its reader uses it. */
const quickstart = (page) => ({
  open: () => page.goto(platform + '/quickstart'),
  value: (name) => page.locator(`[data-value][name=${name}]`).inputValue(),
  status: (id) => page.locator(`#${id} [role=status]`),
  answer: async (id) => JSON.parse(await page.locator(`#${id} .answer code`).textContent()),
  command: (id) => page.locator(`#${id} > .code code`).textContent(),
  done: (step) => page.locator(`.path a[data-step="${step}"][data-done]`),
  inside: page.frameLocator('#select-bank iframe'),
  /** Sends a request, and waits for its answer. */
  async send(id, status) {
    await page.locator(`#${id} button[type=submit]`).click()
    await page.locator(`#${id} [role=status]`, { hasText: status }).waitFor()
  },
  /** The steps before the widget. */
  async begin() {
    secret("user's password", await this.value('user_password'))
    await this.send('get-client-token', '200')
    await this.send('create-the-user', '201')
    await this.send('get-user-token', '200')
    await this.send('make-session', '201')
    for (const name of ['client_token', 'user_token', 'refresh_token', 'session_id']) secret(name, await this.value(name))
  },
  /** The steps after it, back from the tab that it was in. */
  async finish() {
    await page.bringToFront()
    await this.done('select-bank').waitFor()
    for (const id of ['list-connections', 'read-connection', 'list-accounts', 'read-account', 'list-transactions', 'read-transaction'])
      await this.send(id, '200')
    await this.send('delete-user', '204')
    for (const step of ['client-authentication', 'initiate-widget', 'get-accounts-and-transactions', 'how-to-continue'])
      await this.done(step).waitFor()
  },
})

/** What a command of the page says in a shell. */
const shell = async (command, env = {}) => (await run('bash', ['-c', command], { env: { PATH: process.env.PATH, ...env } })).stdout

story('eight steps, the test bank in a frame and its login in another tab', { viewport: desktop }, async (s) => {
  const q = quickstart(s.page)
  await q.open()
  await q.begin()
  assert.match(await q.value('user_id'), /^\d+$/)
  await s.page.getByRole('button', { name: 'Open it here' }).click()
  const frame = await s.page.locator('#select-bank iframe').boundingBox()
  assert.deepEqual([frame.width, frame.height], [408, 600])
  await widget(q.inside).choose(testBank)
  const opened = s.context.waitForEvent('page')
  await widget(q.inside).press('authorize')
  await bank(await opened).agree('dev')
  await s.page.bringToFront()
  await widget(q.inside).press('consent')
  await q.finish()
  const told = await s.page.locator('.told li').allInnerTexts()
  for (const name of ['WIDGET_CHOOSE_BANK', 'WIDGET_CONSENT', 'redirect_to', 'SUCCESS'])
    assert.ok(told.some((line) => line.startsWith(name)), `${name} is shown: ${told}`)

  const connection = await q.answer('read-connection')
  assert.equal(connection.id, await q.value('connection_id'))
  assert.deepEqual([connection.status, connection.provider_id], ['SUCCESS', testBank.id])
  const account = await q.answer('read-account')
  assert.equal(account.id, await q.value('account_id'))
  const transactions = await q.answer('list-transactions')
  assert.equal(transactions.length, 10)
  assert.ok(transactions.every((transaction) => transaction.account_id === account.id))
  assert.equal((await q.answer('read-transaction')).id, transactions[0].id)
  await s.inspector.look(s.page)
})

story('the other client, the widget in a new tab, on a phone', { viewport: phone, colorScheme: 'dark' }, async (s) => {
  const q = quickstart(s.page)
  await q.open()
  await s.page.getByText('sandbox', { exact: true }).last().click()
  assert.equal(await q.value('client_id'), 'sandbox')
  await q.begin()
  const opened = s.context.waitForEvent('page')
  await s.page.getByRole('link', { name: 'Open it in a new tab' }).click()
  const tab = await opened
  await widget(tab).accept()
  await widget(tab).choose(demoBank)
  await widget(tab).login({ 10001: 'demo' })
  await widget(tab).sms(code)
  await widget(tab).press('consent')
  await q.finish()
  await s.inspector.look(s.page)
})

story('the commands shown do what the page does', { viewport: desktop }, async (s) => {
  const q = quickstart(s.page)
  await q.open()
  const got = JSON.parse(await shell(await q.command('get-client-token')))
  assert.equal(got.token_type, 'Bearer')
  secret('access_token', got.access_token)
  await q.begin()
  const body = await s.page.locator('#get-user-token [name=body]').inputValue()
  const session = JSON.parse(await shell(await q.command('make-session')))
  assert.equal(secret('widget session', session.session_id).length, 32)
  await s.page.locator('#list-accounts [name=address]').fill(platform + "/v2.1/accounts?q=o'clock&limit=5")
  assert.equal(await shell(await q.command('list-accounts')), '[]')
  // JSON goes as it is.
  const login = { grant_type: 'password', username: '{user_email}', password: '{user_password}', client_id: '{client_id}', client_secret: '{client_secret}' }
  assert.ok(body.startsWith('grant_type=password'))
  await s.page.locator('#get-user-token [name=body]').fill(JSON.stringify({ ...login, scope: 'profile' }))
  await q.send('get-user-token', '200')
  const answers = [await q.answer('get-user-token'), JSON.parse(await shell(await q.command('get-user-token')))]
  for (const { scope, access_token } of answers) {
    assert.equal(scope, 'profile')
    secret('access_token', access_token)
  }
})

story('opened again, the widget tells of the new connection alone, and that is the one that is read', { viewport: desktop }, async (s) => {
  const q = quickstart(s.page)
  const frame = s.page.locator('#select-bank iframe')
  const told = s.page.locator('.told li')
  const connect = async (where) => {
    await where.choose(demoBank)
    await where.login({ 10001: 'demo' })
    await where.sms(code)
    await where.press('consent')
    await s.page.bringToFront()
    await q.status('open-widget').getByText('SUCCESS').waitFor()
    return q.value('connection_id')
  }
  await q.open()
  await q.begin()
  await s.page.getByRole('button', { name: 'Open it here' }).click()
  const first = await connect(widget(q.inside))
  assert.ok(await frame.isVisible())

  const opened = s.context.waitForEvent('page')
  await s.page.getByRole('link', { name: 'Open it in a new tab' }).click()
  const tab = await opened
  await told.first().waitFor()
  assert.ok(!(await frame.isVisible()), 'there is no frame for what is in another tab')
  assert.equal(await q.status('open-widget').textContent(), 'You are the user now.')
  const second = await connect(widget(tab))
  assert.notEqual(second, first)
  const lines = await told.allInnerTexts()
  assert.equal(lines.filter((line) => line.startsWith('redirect_to')).length, 1, `one end is told: ${lines}`)

  await q.send('list-connections', `connection_id is ${second}`)
  assert.deepEqual((await q.answer('list-connections')).map(({ id }) => id).sort(), [first, second].sort())
  await q.send('read-connection', '200')
  assert.equal((await q.answer('read-connection')).id, second)
  await q.send('list-accounts', '200')
  const accounts = await q.answer('list-accounts')
  assert.ok(accounts.length > 0 && accounts.every((account) => account.connection_id === second))
  await s.inspector.look(s.page)
})

story('a value may have any character, in a form, in JSON and in the commands', { viewport: desktop }, async (s) => {
  const q = quickstart(s.page)
  await q.open()
  await s.page.getByText('Values of the steps').click()
  const set = (name, value) => s.page.locator(`[data-value][name=${name}]`).fill(value)
  const write = (id, json) => s.page.locator(`#${id} [name=body]`).fill(JSON.stringify(json))
  const token = async (env) => secret('access_token', JSON.parse(await shell(await q.command('get-user-token'), env)).access_token)
  await set('user_password', secret("user's password", `a"b\\c'd e $HOME {user_email} \`id\` ${unique('')}`))
  await q.send('get-client-token', '200')
  secret('access_token', await q.value('client_token'))
  await write('create-the-user', { email: '{user_email}', password: '{user_password}' })
  await q.send('create-the-user', '201')
  await q.send('get-user-token', '200') // so it is that very password
  assert.ok(await token())

  await set('user_email', unique('jo') + '@example.test')
  assert.match(await shell(await q.command('create-the-user')), /^HTTP\/1.1 201 /)
  await q.send('get-user-token', '200')
  const login = { username: '{user_email}', password: '{user_password}', client_id: '{client_id}', client_secret: '{client_secret}' }
  await write('get-user-token', { grant_type: 'password', ...login, scope: 'profile' })
  await q.send('get-user-token', '200')
  for (const name of ['user_token', 'refresh_token']) secret(name, await q.value(name))
  assert.match(await q.command('get-user-token'), /-H 'content-type: application\/json'/)
  assert.ok(await token())
  const client_secret = await q.value('client_secret')
  await set('client_secret', '')
  assert.ok(await token({ client_secret }), "what is missing is the shell's")
})

story('what is changed is sent, what is missing is said, and mistakes are explained', async (s) => {
  const q = quickstart(s.page)
  await q.open()
  await q.send('create-the-user', 'Missing: client_token')
  await s.page.getByText('Values of the steps').click()
  await s.page.locator('[data-value][name=client_secret]').fill('wrong')
  assert.match(await q.command('get-client-token'), /-u sandbox-licensed:wrong/)
  await q.send('get-client-token', '401')
  await s.page.getByRole('link', { name: 'what invalid_client means' }).click()
  await arrived(s.page, platform + '/docs/errors#token-invalid_client')
  await s.page.locator('[id="token-invalid_client"]').waitFor()
})

story('nothing is sent to another site, whatever the user enters', async (s) => {
  const q = quickstart(s.page)
  await q.open()
  await s.page.locator('#get-client-token [name=address]').fill(s.site.origin + '/token')
  await q.send('get-client-token', 'The request could not be sent')
  assert.deepEqual(s.site.visits, [])
  s.inspector.faults = s.inspector.faults.filter((fault) => !/Content Security Policy/.test(fault))
})

story('without JavaScript every step has its command, and the commands work', { script: false, viewport: desktop }, async (s) => {
  const q = quickstart(s.page)
  await q.open()
  assert.equal(await s.page.locator('.step h2 i').count(), 8)
  assert.equal(await s.page.getByRole('button').count(), 0, 'nothing is offered that only a script can do')
  const env = { user_email: unique('jo') + '@example.test', user_password: secret("user's password", unique('password')) }
  const given = await s.page.locator('#you .code code').textContent()
  for (const line of given.split('\n')) {
    const [name, value] = line.split('=')
    env[name] ??= value
  }
  for (const id of ['get-client-token', 'create-the-user', 'get-user-token', 'make-session', 'list-connections']) {
    const answer = await shell(await q.command(id), env)
    const keeps = (await s.page.locator('#' + id).getAttribute('data-keeps')).split(' ').filter(Boolean)
    for (const [name, from] of keeps.map((keep) => keep.split('='))) {
      if (from === 'location') env[name] = /^location:.*\/(\d+)\s*$/im.exec(answer)[1]
      else env[name] = from.split('.').slice(1).reduce((value, key) => value?.[key], JSON.parse(answer))
      if (from !== 'location' && env[name]) secret(name, env[name])
    }
    if (id === 'list-connections') assert.equal(answer, '[]')
  }
  await s.page.goto(env.add_connection)
  await s.widget.bank(testBank.name).waitFor()
  for (const path of ['/', '/reference', '/docs/errors']) {
    await s.page.goto(platform + path)
    await s.page.locator('h1').waitFor()
  }
  assert.ok(await s.page.locator('tr[id="quota_exhausted"]').isVisible())
})
