// Package page draws the sign-in page, the page of a user's own, and the page for a request that
// cannot be answered with a redirect. It turns plain values into HTML in the user's language,
// complete without a script.
//
// It must never read a request or decide anything: a page shows what it was given. Its
// texts are in locales, one file per language. Start reading at Signin.
package page
