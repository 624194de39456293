// Command boomer shows the flags of a program of package boomer.
package main

import "github.com/bandwing/bandwing/boomer"

func main() { boomer.Run(&boomer.Task{Name: "none", Fn: func() {}}) }
