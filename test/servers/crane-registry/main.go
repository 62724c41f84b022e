// The registry of go-containerregistry, which `crane registry serve` runs,
// unchanged but for one thing: the referrers API of OCI 1.1 is switched on.
// crane has no flag for that, so this takes its place.
//
//	crane-registry HOST:PORT
//
// Everything is kept in memory and gone with the process.
package main

import (
	"log"
	"net/http"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: crane-registry HOST:PORT")
	}
	server := &http.Server{
		Addr:              os.Args[1],
		Handler:           registry.New(registry.WithReferrersSupport(true)),
		ReadHeaderTimeout: 5 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
