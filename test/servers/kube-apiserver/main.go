// The Kubernetes API server, unchanged: upstream's own command with a module
// file that can be resolved outside its source tree (see go.mod). It is built
// for tests because nobody packages this binary on its own.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}
