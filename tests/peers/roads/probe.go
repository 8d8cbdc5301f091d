// One GET as every Go program makes it; says what came, and fails as it did.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	answer, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	body, err := io.ReadAll(answer.Body)
	fmt.Println(answer.StatusCode, answer.Proto, string(body))
	if err != nil || answer.StatusCode >= 400 {
		os.Exit(1)
	}
}
