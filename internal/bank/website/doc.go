// Package website is the connector for banks that are read like a customer reads them:
// with the customer's own credentials, on the bank's web site.
//
// The input is credentials, the last session and a bank.Call; the output is
// bank.Account and bank.Transaction values, a question of the bank, or a classified
// *bank.Failure. Each bank has a recipe: a short file that describes the login, how to
// recognise the pages, and where their data are. The framework does everything else:
// cookies, forms, limits, questions to the customer, a session that continues in any
// process, amounts and dates as people write them.
//
// It must never send a request to another host than the bank's, never trigger an SMS or
// a call to the customer's phone unless they agreed, and never put a credential, a
// cookie or a page into an error or a log.
//
// A page whose data are loaded by a script is read in a headless Chromium: a recipe
// calls session.rendered instead of session.read, with a selector of an element that
// the rendered page has, and gets the same kind of page. The browser is started for
// that page and killed after it, one at a time in a process, with a limit of twenty
// seconds. It has no network: the connector makes its requests, with the session's
// cookies, limits and certificate, to the bank's host alone. Changes that scripts make
// to cookies are copied into the session; no data of the user are written to the disk.
// If no Chromium is installed, such pages, and only these, are bank.Unavailable. A
// recipe that can read a page without scripts does so: the test bank's renders only
// pages that are marked as not loaded yet. Chromium needs its sandbox: a user that may
// create namespaces, or root without it.
//
// To write a recipe for a bank, save the pages of a login and of each kind of account,
// and implement recipe in a file with the bank's name: enter submits the credentials in
// the forms of the pages, place recognises a page by its elements, and list, complete,
// statement and owner read with goquery's selectors, in French or English. A page
// without a required element is a failure, never an empty answer: half a list would
// look like closed accounts. Then add the recipe to recipes, and its name and fields to
// the catalogue's data.
//
// A plain site needs less: plain.go has a recipe that is data alone, and django_admin.go and
// sql_ledger.go are two of that kind.
//
// Start reading at recipe.go, then at testbank.go, the first recipe; renderer.go runs
// the browser.
package website
