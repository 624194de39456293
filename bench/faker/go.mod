module github.com/bandwing/bandwing/bench/faker

go 1.26.0

require (
	github.com/brianvoe/gofakeit/v6 v6.28.0
	github.com/brianvoe/gofakeit/v7 v7.18.1
)
