package redisjson

import (
	_ "embed"
	"strconv"

	"github.com/brianvoe/gofakeit/v7"
)

// A flatDocument is the small random document that users write. Its fields and
// their JSON types are those of flat_document in locustfile.py.
type flatDocument struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	Username   string  `json:"username"`
	Email      string  `json:"email"`
	Age        int     `json:"age"`
	Balance    float64 `json:"balance"`
	Active     bool    `json:"active"`
	City       string  `json:"city"`
	Country    string  `json:"country"`
	Address    string  `json:"address"`
	Location   string  `json:"location"` // "longitude,latitude", as Redis's geo fields want it
	Company    string  `json:"company"`
	Agent      string  `json:"agent"`
	Provenance string  `json:"provenance"`
	About      string  `json:"about"`
}

func newFlatDocument(f *gofakeit.Faker, id string) flatDocument {
	return flatDocument{
		ID: id, Name: f.Name(), Username: f.Username(), Email: f.Email(),
		Age: newAge(f), Balance: newBalance(f), Active: f.Bool(),
		City: f.City(), Country: f.Country(), Address: f.Street(),
		Location: degrees(f.Longitude()) + "," + degrees(f.Latitude()),
		Company:  f.Company(), Agent: f.UserAgent(),
		Provenance: f.RandomString(provenances), About: f.Sentence(),
	}
}

var provenances = []string{"import", "mobile", "partner", "web"}

func degrees(x float64) string { return strconv.FormatFloat(x, 'f', 6, 64) }

func newAge(f *gofakeit.Faker) int { return f.Number(18, 89) }

// newBalance is an amount of at least 1 with two decimals, never a whole number,
// so that it is a float in JSON too.
func newBalance(f *gofakeit.Faker) float64 {
	return float64(100*f.Number(1, 9999)+f.Number(1, 99)) / 100
}

// complexDocument is the static document of about 13 KB, a game's record, without
// an id.
//
//go:embed complex.json
var complexDocument []byte

// appendComplex appends the static document with an id, which must need no
// escaping.
func appendComplex(dst []byte, id string) []byte {
	dst = append(append(append(dst, `{"id":"`...), id...), `",`...)
	return append(dst, complexDocument[1:]...)
}

// Fields that the tasks work on, by kind of document. Only those are named that
// every document of the kind has, the found ones too.
var readFields = [kinds][]string{
	flat:        {"name", "age", "email", "city", "about"},
	nested:      {"name", "age", "location", "address", "company"},
	complexKind: {"damage_relations.double_damage_from[0].name", "generation", "names[0].language.name", "pokemon[0].slot"},
}

var updateFields = [kinds][]string{
	flat:        {fieldAge, fieldBalance, fieldAbout},
	nested:      {fieldAge, fieldBalance, fieldAbout, fieldTags},
	complexKind: {fieldTags},
}

const (
	fieldAge     = "age"     // increased
	fieldBalance = "balance" // multiplied
	fieldAbout   = "about"   // a string, appended to
	fieldTags    = "tags"    // an array of strings, appended to
)
