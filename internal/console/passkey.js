// Passkeys: a form with data-passkey asks the browser for one, and is sent with its answer.
// Without this script, the code of an authenticator app is the way.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')

const credentials = (form) => (form.dataset.ids || '').split(' ').filter(Boolean).map((id) => ({ type: 'public-key', id: bytes(id) }))

async function get(form) {
  const { rawId, response } = await navigator.credentials.get({
    publicKey: { challenge: bytes(form.dataset.challenge), rpId: form.dataset.rp, allowCredentials: credentials(form), userVerification: 'preferred' },
  })
  return { id: text(rawId), client_data: text(response.clientDataJSON), authenticator_data: text(response.authenticatorData), signature: text(response.signature) }
}

async function create(form) {
  const { rawId, response } = await navigator.credentials.create({
    publicKey: {
      challenge: bytes(form.dataset.challenge),
      rp: { id: form.dataset.rp, name: 'Oxlin console' },
      user: { id: bytes(form.dataset.user), name: form.dataset.name, displayName: form.dataset.name },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
      excludeCredentials: credentials(form),
      authenticatorSelection: { userVerification: 'preferred' },
      attestation: 'none',
    },
  })
  return {
    id: text(rawId), client_data: text(response.clientDataJSON), authenticator_data: text(response.getAuthenticatorData()), public_key: text(response.getPublicKey()),
  }
}

for (const form of document.querySelectorAll('form[data-passkey]')) {
  const button = form.querySelector('button[name=use]')
  const problem = form.querySelector('[data-problem]')
  if (!window.PublicKeyCredential) continue
  button.hidden = false
  form.querySelector('[data-plain]').hidden = true
  button.addEventListener('click', async () => {
    try {
      form.elements.passkey.value = JSON.stringify(await (form.dataset.passkey === 'create' ? create : get)(form))
      form.submit()
    } catch (error) {
      problem.textContent = 'The browser gave no passkey: ' + error.message
      problem.hidden = false
    }
  })
}
