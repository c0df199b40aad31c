// Package website is the connector for banks that are read as a customer reads
// them: with the customer's own credentials, on the bank's web site.
//
// What goes in are credentials, the last session and a bank.Call; what comes out
// are bank.Account and bank.Transaction values, a question of the bank's where it
// has one, and a *bank.Failure of the right kind where something is in the way. A
// bank is one recipe: a short file that says how to get in, how to recognise the
// pages, and where things stand on them. Everything else is the framework's:
// cookies, forms, limits, what the bank asks its customer, a session that
// continues in any process, amounts and dates as people write them.
//
// It must never speak with another host than the bank's, never press anything
// that reaches the customer's telephone unless they said so, and never put a
// credential, a cookie or a page into an error or a log.
//
// A page whose data come by a script is read in a headless Chromium: a recipe asks
// for it with session.rendered in the place of session.read, names what is on the
// page once it is rendered, and gets the same kind of page. The browser
// is started for that page and killed after it, one at a time in a process, with
// twenty seconds at most. It has no network: its requests are made in its place,
// with the session's cookies, limits and certificate, on the bank's host alone. What
// the scripts do to the cookies comes back into the session; nothing of the user is
// written to the disk. Where no Chromium is installed such a page, and no other,
// is bank.Unavailable. A recipe that can read a page without scripts does: the
// test bank's draws only what says that it is still empty. Chromium needs its
// sandbox, so a user that may make namespaces, or runs without one as root.
//
// To write a recipe for a bank, save the pages of a login and of each kind of
// account, and implement recipe in a file of the bank's name: enter types the
// credentials into the forms of the pages, place tells by what stands on a page
// where it is, and list, complete, statement and owner read with goquery's
// selectors, French or English. A page that lacks what it must have is a failure,
// never an empty answer: half a list looks like accounts that were closed. Then
// enter the recipe in recipes, and its name and fields in the catalogue's data.
//
// Start reading at recipe.go, then at testbank.go, which is the first of them;
// renderer.go is where a browser comes in.
package website
