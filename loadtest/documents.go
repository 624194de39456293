package loadtest

import (
	_ "embed"
	"strconv"

	"github.com/brianvoe/gofakeit/v7"
)

// A flatDocument is a random user without nesting, as JSON or as a hash. Its
// fields and their JSON types are those of flat_document in documents.py.
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

// A nestedDocument is a random user with objects and arrays, of about 3 KB: the
// twin of nested_document in documents.py.
type nestedDocument struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Username   string     `json:"username"`
	Email      string     `json:"email"`
	Age        int        `json:"age"`
	Balance    float64    `json:"balance"`
	Active     bool       `json:"active"`
	Location   location   `json:"location"`
	Address    address    `json:"address"`
	Company    company    `json:"company"`
	Agent      string     `json:"agent"`
	Provenance string     `json:"provenance"`
	About      string     `json:"about"`
	Tags       []string   `json:"tags"`
	Scores     []int      `json:"scores"`
	Friends    []friend   `json:"friends"`
	History    []purchase `json:"history"`
}

type location struct {
	Latitude  float64 `json:"lat"`
	Longitude float64 `json:"lon"`
}

type address struct {
	Street  string `json:"street"`
	City    string `json:"city"`
	Country string `json:"country"`
	Geo     struct {
		Zip  string `json:"zip"`
		Zone string `json:"zone"`
	} `json:"geo"`
}

type company struct {
	Name      string   `json:"name"`
	Employees int      `json:"employees"`
	Offices   []office `json:"offices"`
}

type office struct {
	City  string `json:"city"`
	Floor int    `json:"floor"`
}

type friend struct {
	Name string `json:"name"`
	Age  int    `json:"age"`
}

type purchase struct {
	Step   int     `json:"step"`
	Item   string  `json:"item"`
	Amount float64 `json:"amount"`
	Note   string  `json:"note"`
}

func newNestedDocument(f *gofakeit.Faker, id string) nestedDocument {
	d := nestedDocument{
		ID: id, Name: f.Name(), Username: f.Username(), Email: f.Email(),
		Age: newAge(f), Balance: newBalance(f), Active: f.Bool(),
		Location: location{fraction(f.Latitude()), fraction(f.Longitude())},
		Address:  address{Street: f.Street(), City: f.City(), Country: f.Country()},
		Company:  company{Name: f.Company(), Employees: f.Number(1, 5000)},
		Agent:    f.UserAgent(), Provenance: f.RandomString(provenances), About: f.Sentence(),
	}
	d.Address.Geo.Zip, d.Address.Geo.Zone = f.Zip(), f.Country()
	for range 3 {
		d.Company.Offices = append(d.Company.Offices, office{f.City(), f.Number(1, 30)})
	}
	for range 5 {
		d.Tags = append(d.Tags, f.Word())
	}
	for range 20 {
		d.Scores = append(d.Scores, f.Number(0, 999))
	}
	for range f.Number(5, 14) {
		d.Friends = append(d.Friends, friend{f.FirstName(), newAge(f)})
	}
	for step := range f.Number(15, 29) {
		d.History = append(d.History, purchase{step, f.Word(), newBalance(f), f.Sentence()})
	}
	return d
}

var provenances = []string{"import", "mobile", "partner", "web"}

func degrees(x float64) string { return strconv.FormatFloat(x, 'f', 6, 64) }

// fraction is x with six decimals, and never a whole number.
func fraction(x float64) float64 { return (float64(int64(x*1e6)) + 0.5) / 1e6 }

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

// versions is how many copies of itself make the record one of about 2 MB.
const versions = 150

// appendComplex appends the static document of a size with an id, which must
// need no escaping.
func appendComplex(dst []byte, id, size string) []byte {
	dst = append(append(append(dst, `{"id":"`...), id...), `",`...)
	dst = append(dst, complexDocument[1:len(complexDocument)-1]...)
	if size == Size2MB {
		dst = append(dst, `,"versions":[`...)
		for i := range versions {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, complexDocument...)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// Fields that the tasks work on, by kind of document. Only those are named that
// every document of the kind has, the found ones too.
var readFields = [kinds][]string{
	flat:        {"name", "age", "email", "city", "about"},
	nested:      {"name", "age", "location", "address", "company"},
	complexKind: {"damage_relations.double_damage_from[0].name", "generation", "names[0].language.name", "pokemon[0].slot"},
}

// wholeFields are members of the static document with all that is in them.
var wholeFields = [kinds][]string{
	complexKind: {"name", "generation", "tags", "names"},
	text:        {"name", "generation", "tags", "names"},
}

// staticFields are those that JSONChange updates.
var staticFields = [kinds][]string{complexKind: {fieldAbout, fieldTags}}

var updateFields = [kinds][]string{
	flat:        {fieldAge, fieldBalance, fieldAbout},
	nested:      {fieldAge, fieldBalance, fieldAbout, fieldTags},
	complexKind: {fieldTags},
	text:        {fieldAbout, fieldTags},
	hash:        {fieldAge, fieldAbout},
}

// sharedFields are those that are updated in JSON as in hashes, to compare them.
var sharedFields = [kinds][]string{flat: updateFields[hash]}

// nestedFields are those that are updated below the top. All are strings.
var nestedFields = [kinds][]string{
	nested:      {"address.city", "company.name", "address.geo.zip", "company.offices[0].city"},
	complexKind: {"damage_relations.double_damage_from[0].name", "generation.name", "names[0].language.name", "pokemon[0].pokemon.name"},
}

const (
	fieldAge     = "age"         // increased
	fieldBalance = "balance"     // multiplied
	fieldAbout   = "about"       // a string, appended to
	fieldTags    = "tags"        // an array of strings, appended to
	fieldPower   = "stats.power" // increased
	fieldSpeed   = "stats.speed" // multiplied
)
