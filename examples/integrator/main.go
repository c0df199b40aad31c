// Command integrator is a small application that connects its users' bank accounts
// through Oxlin's widget. It exists to be read. Start a sandbox in one shell, and this in
// another:
//
//	bin/oxlin serve --sandbox
//	go run ./examples/integrator -platform http://127.0.0.1:8080
//
// Then open http://127.0.0.1:8090. The test bank's login is "dev", its password "dev",
// and its code, where it asks for one, 123456.
//
// The steps of an integrator, and the code of each:
//
//  1. The server creates a user at Oxlin, once, and gets a token for them: oxlin.go.
//  2. The server creates a widget session with the token: oxlin.go. The answer holds
//     links; parameters are appended to a link as &name=value: site.go.
//  3. The server redirects the browser to a link, and the widget returns it to
//     redirect_url with status, result and connection_id: connectByRedirect and back
//     in site.go.
//  4. Or a page shows the widget in a frame of 408x600. The widget sends its results
//     with postMessage, and frame.js checks their origin. Banks refuse to be framed, so
//     the bank opens in another tab and returns to aspsp_callback_uri, a page that opens
//     the widget again with the same session: connectInFrame.
//  5. Or the server asks for the address of the bank's login and sends the browser there
//     itself: connectDirectly. Somebody else may open that address, so the return counts
//     only in the browser that left, which has a cookie: returned. A return without it
//     is refused, and the connection deleted.
//  6. The server reads the accounts from the API, because the parameters that the
//     browser brings prove nothing: accounts in site.go.
//
// The client's secret and all tokens stay on the server. The browser receives only the
// session's id, which is valid for one user and one hour.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"
)

func main() {
	platform := flag.String("platform", "http://127.0.0.1:8080", "address of Oxlin")
	listen := flag.String("listen", "127.0.0.1:8090", "address of this application; port 0 takes a free one")
	id := flag.String("client-id", "sandbox", "client_id that Oxlin gave us")
	secret := flag.String("client-secret", "sandbox-secret", "and the client_secret; a real one comes from a secret store")
	flag.Parse()

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	fmt.Println("integrator", address)
	ours := &site{address: address, oxlin: oxlin{*platform, *id, *secret}, visitors: map[string]*visitor{}, journeys: map[string]journey{}}
	server := http.Server{Handler: ours.handler(), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.Serve(listener))
}
