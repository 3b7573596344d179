/** The error codes of certificates, in words for the operator. */
import { expect, it } from 'vitest'
import { explainCause } from '../../src/doctor/causes.js'

/** As fetch throws it. */
function failedWith(code: string): Error {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(), { code }) })
}

it.each([
  { code: 'CERT_HAS_EXPIRED', says: 'the certificate there has expired.' },
  { code: 'CERT_NOT_YET_VALID', says: 'Set the clock of this machine right.' },
  { code: 'ERR_TLS_CERT_ALTNAME_INVALID', says: 'is for another host name.' },
  { code: 'DEPTH_ZERO_SELF_SIGNED_CERT', says: 'set NODE_EXTRA_CA_CERTS' },
  { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', says: 'set NODE_EXTRA_CA_CERTS' },
  { code: 'UND_ERR_CONNECT_TIMEOUT', says: 'there is no way there from this machine.' },
])('$code is explained', ({ code, says }) => {
  expect(explainCause(failedWith(code))).toMatch(new RegExp(`^${code}: `))
  expect(explainCause(failedWith(code))).toContain(says)
})

it('a code that nobody knows is named, and an error without one is not', () => {
  expect(explainCause(failedWith('EWHATEVER'))).toBe('The cause is EWHATEVER.')
  expect(explainCause(new Error('no code'))).toBeUndefined()
  expect(explainCause(Object.assign(new Error(), { code: 'slack_webapi_request_error' }))).toBeUndefined()
})
