// oauth4webapi against the authorization server. It checks every response against the
// documents that define it: status, content type, members, and signatures.
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { signIn } from './browser.mjs'
import { mtls } from './tls.mjs'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, EMAIL, PASSWORD, SUBJECT, KEYED_ID, KEY } = process.env
const client = { client_id: CLIENT_ID }
const options = { [oauth.allowInsecureRequests]: true }

async function discover(algorithm) {
  const response = await oauth.discoveryRequest(new URL(ISSUER), { algorithm, ...options })
  return oauth.processDiscoveryResponse(new URL(ISSUER), response)
}

const refused = (promise, status, code) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof oauth.ResponseBodyError || error instanceof oauth.WWWAuthenticateChallengeError, error.stack)
    assert.equal(error.status, status)
    assert.equal(error.error, code) // a challenge has none
    return true
  })

async function everything(server, authentication) {
  const send = async (request, process, ...parameters) => process(server, client, await request(server, client, authentication, ...parameters, options))

  // A code with PKCE, and what it refuses.
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const address = new URL(server.authorization_endpoint)
  address.search = new URLSearchParams({
    client_id: CLIENT_ID, response_type: 'code', redirect_uri: REDIRECT_URI, scope: 'openid profile', state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })
  const parameters = oauth.validateAuthResponse(server, client, await signIn(address, EMAIL, PASSWORD), state)
  const exchange = (redirectURI, verifier) => oauth.authorizationCodeGrantRequest(server, client, authentication, parameters, redirectURI, verifier, options)
  const read = (response) => oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce, requireIdToken: true })
  await refused(exchange(REDIRECT_URI + '/more', verifier).then(read), 400, 'invalid_grant')
  await refused(exchange(REDIRECT_URI, oauth.nopkce).then(read), 400, 'invalid_grant')
  const response = await exchange(REDIRECT_URI, verifier)
  const tokens = await read(response)
  await oauth.validateApplicationLevelSignature(server, response, options)
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, SUBJECT)
  await refused(exchange(REDIRECT_URI, verifier).then(read), 400, 'invalid_grant')
  await refused(send(oauth.refreshTokenGrantRequest, oauth.processRefreshTokenResponse, tokens.refresh_token), 400, 'invalid_grant')

  // Password, refreshing, and userinfo.
  const signedIn = await send(oauth.genericTokenEndpointRequest, oauth.processGenericTokenEndpointResponse, 'password', { username: EMAIL, password: PASSWORD, scope: 'openid profile' })
  const refreshed = await send(oauth.refreshTokenGrantRequest, oauth.processRefreshTokenResponse, signedIn.refresh_token)
  assert.equal(oauth.getValidatedIdTokenClaims(refreshed).sub, SUBJECT)
  const userinfo = (token) => oauth.userInfoRequest(server, client, token, options).then((response) => oauth.processUserInfoResponse(server, client, SUBJECT, response))
  assert.equal((await userinfo(refreshed.access_token)).email, EMAIL)
  await refused(userinfo('unknown'), 401)

  // The client's own token.
  const own = await send(oauth.clientCredentialsGrantRequest, oauth.processClientCredentialsResponse, { scope: 'users_create' })
  assert.equal(own.token_type, 'bearer') // the library writes it small
  await refused(send(oauth.clientCredentialsGrantRequest, oauth.processClientCredentialsResponse, { scope: 'openid' }), 400, 'invalid_scope')

  // Introspection and revocation.
  const introspect = (token) => send(oauth.introspectionRequest, oauth.processIntrospectionResponse, token)
  assert.equal((await introspect(refreshed.access_token)).sub, SUBJECT)
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, authentication, refreshed.access_token, options))
  assert.deepEqual(await introspect(refreshed.access_token), { active: false })
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, authentication, 'unknown', options))
}

for (const algorithm of ['oidc', 'oauth2']) {
  const server = await discover(algorithm)
  await everything(server, oauth.ClientSecretBasic(CLIENT_SECRET))
  await everything(server, oauth.ClientSecretPost(CLIENT_SECRET))
}

// A client that signs assertions, of its own key (RFC 7523).
const jwk = JSON.parse(KEY)
const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const keyed = { client_id: KEYED_ID }
for (const algorithm of ['oidc', 'oauth2']) {
  const server = await discover(algorithm)
  const response = await oauth.clientCredentialsGrantRequest(server, keyed, oauth.PrivateKeyJwt({ key, kid: jwk.kid }), { scope: 'users_create' }, options)
  assert.equal((await oauth.processClientCredentialsResponse(server, keyed, response)).scope, 'users_create')
}

// A client that authenticates by its certificate, at the aliases for it (RFC 8705).
for (const algorithm of ['oidc', 'oauth2']) {
  const own = { [oauth.customFetch]: mtls.own }
  const server = await oauth.processDiscoveryResponse(mtls.issuer, await oauth.discoveryRequest(mtls.issuer, { algorithm, ...own }))
  assert.ok(server.token_endpoint_auth_methods_supported.includes('tls_client_auth'))
  const certified = { client_id: mtls.client, use_mtls_endpoint_aliases: true }
  const ask = (options) => oauth.clientCredentialsGrantRequest(server, certified, oauth.TlsClientAuth(), { scope: 'users_create' }, options)
    .then((response) => oauth.processClientCredentialsResponse(server, certified, response))
  assert.equal((await ask(own)).scope, 'users_create')
  await refused(ask({ [oauth.customFetch]: mtls.others }), 401)
}
