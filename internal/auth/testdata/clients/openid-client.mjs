// openid-client against the authorization server: from the discovery document through
// every grant type to the end of the tokens.
import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { signIn } from './browser.mjs'
import { mtls } from './tls.mjs'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PUBLIC_ID, REDIRECT_URI, EMAIL, PASSWORD, SUBJECT, PUBLIC_SUBJECT, KEYED_ID, KEY } = process.env

const discover = async (id, authentication, algorithm) => {
  const config = await client.discovery(new URL(ISSUER), id, undefined, authentication, { algorithm, execute: [client.allowInsecureRequests] })
  client.enableNonRepudiationChecks(config) // verify id_tokens by the keys of jwks_uri
  return config
}

const refused = (promise, status, code) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof client.ResponseBodyError || error instanceof client.WWWAuthenticateChallengeError, error.stack)
    assert.equal(error.status, status)
    assert.equal(error.error, code)
    return true
  })

async function code(config, subject) {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI, scope: 'openid profile accounts_read', state, nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })
  const back = await signIn(address, EMAIL, PASSWORD)
  const checks = { expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  await refused(client.authorizationCodeGrant(config, back, { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }), 400, 'invalid_grant')
  const tokens = await client.authorizationCodeGrant(config, back, { ...checks, pkceCodeVerifier: verifier })
  assert.equal(tokens.claims().sub, subject)
  assert.equal(tokens.expires_in, 3600)
  assert.equal(tokens.scope, 'openid profile accounts_read')
  const user = await client.fetchUserInfo(config, tokens.access_token, subject)
  assert.equal(user.email, EMAIL)
  const again = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.equal(again.claims().sub, subject)
  assert.notEqual(again.refresh_token, tokens.refresh_token)
  return again
}

async function everything(config) {
  const tokens = await code(config, SUBJECT)
  assert.deepEqual(
    Object.entries(await client.tokenIntrospection(config, tokens.access_token)).filter(([name]) => name !== 'iat' && name !== 'exp'),
    Object.entries({ active: true, scope: 'openid profile accounts_read', client_id: CLIENT_ID, sub: SUBJECT, token_type: 'Bearer', iss: ISSUER }),
  )
  const narrowed = await client.refreshTokenGrant(config, tokens.refresh_token, { scope: 'profile' })
  assert.equal(narrowed.scope, 'profile')
  assert.equal(narrowed.id_token, undefined)
  await refused(client.refreshTokenGrant(config, narrowed.refresh_token, { scope: 'accounts_manage' }), 400, 'invalid_scope')

  await client.tokenRevocation(config, narrowed.refresh_token)
  assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, false)
  await refused(client.refreshTokenGrant(config, narrowed.refresh_token), 400, 'invalid_grant')

  const own = await client.clientCredentialsGrant(config, { scope: 'users_create' })
  assert.equal(own.scope, 'users_create')
  assert.equal(own.refresh_token, undefined)

  const password = await client.genericGrantRequest(config, 'password', { username: EMAIL, password: PASSWORD, scope: 'openid' })
  assert.equal(password.claims().sub, SUBJECT)
  await refused(client.genericGrantRequest(config, 'password', { username: EMAIL, password: 'wrong' }), 400, 'invalid_grant')
}

for (const algorithm of ['oidc', 'oauth2']) {
  await everything(await discover(CLIENT_ID, client.ClientSecretBasic(CLIENT_SECRET), algorithm))
  await everything(await discover(CLIENT_ID, client.ClientSecretPost(CLIENT_SECRET), algorithm))
  await code(await discover(PUBLIC_ID, client.None(), algorithm), PUBLIC_SUBJECT)
}
// A client that signs assertions, of its own key (RFC 7523).
const jwk = JSON.parse(KEY)
const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const keyed = await discover(KEYED_ID, client.PrivateKeyJwt({ key, kid: jwk.kid }), 'oidc')
assert.ok(keyed.serverMetadata().token_endpoint_auth_signing_alg_values_supported.includes('ES256'))
const ownToken = await client.clientCredentialsGrant(keyed, { scope: 'users_create' })
assert.equal((await client.tokenIntrospection(keyed, ownToken.access_token)).client_id, KEYED_ID)
await client.tokenRevocation(keyed, ownToken.access_token)
assert.equal((await client.tokenIntrospection(keyed, ownToken.access_token)).active, false)

await refused(client.clientCredentialsGrant(await discover(CLIENT_ID, client.ClientSecretPost('wrong'), 'oidc')), 401) // a challenge, of which the library keeps no code

// A client that authenticates by its certificate, to which its tokens are bound (RFC 8705).
for (const algorithm of ['oidc', 'oauth2']) {
  const discoverBy = (fetch) =>
    client.discovery(mtls.issuer, mtls.client, { use_mtls_endpoint_aliases: true }, client.TlsClientAuth(), { algorithm, [client.customFetch]: fetch })
  const certified = await discoverBy(mtls.own)
  assert.equal(certified.serverMetadata().tls_client_certificate_bound_access_tokens, true)
  const token = (await client.genericGrantRequest(certified, 'password', { username: EMAIL, password: PASSWORD, scope: 'openid' })).access_token
  const seen = await client.tokenIntrospection(certified, token)
  assert.equal(seen.client_id, mtls.client)
  assert.equal(typeof seen.cnf['x5t#S256'], 'string')
  await client.fetchUserInfo(certified, token, client.skipSubjectCheck)
  const others = await discoverBy(mtls.others)
  await refused(client.fetchUserInfo(others, token, client.skipSubjectCheck), 401)
  await refused(client.clientCredentialsGrant(others), 401)
}
