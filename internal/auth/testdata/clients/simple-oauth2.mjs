// simple-oauth2 against the authorization server: every grant type that it knows, refreshing
// and revocation. It parses every response as JSON, by its content type.
import assert from 'node:assert/strict'
import { AuthorizationCode, ClientCredentials, ResourceOwnerPassword } from 'simple-oauth2'
import { signIn } from './browser.mjs'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, EMAIL, PASSWORD } = process.env

const refused = (promise, status, code) =>
  assert.rejects(promise, (error) => {
    assert.equal(error.output?.statusCode, status, error.stack)
    assert.equal(error.data.payload.error, code)
    return true
  })

async function everything(options) {
  const config = {
    client: { id: CLIENT_ID, secret: CLIENT_SECRET },
    auth: { tokenHost: ISSUER, tokenPath: '/token', revokePath: '/revoke' },
    options,
  }
  const active = async ({ token }) => (await fetch(ISSUER + '/userinfo', { headers: { authorization: 'Bearer ' + token.access_token } })).ok

  // A code, which is used once.
  const codes = new AuthorizationCode({ ...config, auth: { ...config.auth, authorizePath: '/signin' } })
  const parameters = { redirect_uri: REDIRECT_URI, scope: 'openid profile accounts_read', state: 'mine' }
  const back = await signIn(codes.authorizeURL(parameters), EMAIL, PASSWORD)
  assert.equal(back.searchParams.get('state'), 'mine')
  const grant = { code: back.searchParams.get('code'), redirect_uri: REDIRECT_URI }
  const byCode = await codes.getToken(grant)
  assert.equal(byCode.token.token_type, 'Bearer')
  assert.equal(byCode.expired(), false)
  assert.ok(await active(byCode))

  // A refresh ends in another pair; the ends of access token, refresh token and both.
  const refreshed = await byCode.refresh({ scope: 'openid profile' })
  assert.notEqual(refreshed.token.refresh_token, byCode.token.refresh_token)
  assert.ok(await active(refreshed))
  await refreshed.revoke('access_token')
  assert.equal(await active(refreshed), false)
  await refreshed.revoke('access_token') // it is revoked already
  await refused(refreshed.refresh(), 400, 'invalid_grant')
  await refused(codes.getToken(grant), 400, 'invalid_grant')

  const people = new ResourceOwnerPassword(config)
  const signedIn = () => people.getToken({ username: EMAIL, password: PASSWORD, scope: 'openid profile' })
  for (const end of [(token) => token.revoke('refresh_token'), (token) => token.revokeAll()]) {
    const token = await signedIn()
    assert.ok(await active(token))
    await end(token)
    assert.equal(await active(token), false)
  }
  await refused(people.getToken({ username: EMAIL, password: 'wrong' }), 400, 'invalid_grant')

  // The client's own token.
  const own = await new ClientCredentials(config).getToken({ scope: 'users_create' })
  assert.equal(own.token.expires_in, 3600)
  await own.revoke('access_token')
}

for (const authorizationMethod of ['header', 'body']) {
  for (const bodyFormat of ['form', 'json']) await everything({ authorizationMethod, bodyFormat })
}
