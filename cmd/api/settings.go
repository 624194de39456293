package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"

	"github.com/bandwing/bandwing/api"
	"github.com/bandwing/bandwing/api/redisstore"
)

// environment is what the program reads. All values are texts, because envconfig stops at the first value that it
// cannot parse and we name all faults at once.
type environment struct {
	Addr            string `envconfig:"API_ADDR" default:":5000" desc:"host:port to listen on"`
	MaxBody         string `envconfig:"API_MAX_BODY" default:"16777216" desc:"largest request body in bytes"`
	ReadTimeout     string `envconfig:"API_READ_TIMEOUT" default:"60s" desc:"longest time to read a request"`
	WriteTimeout    string `envconfig:"API_WRITE_TIMEOUT" default:"60s" desc:"longest time to handle and answer one"`
	MaxConnections  string `envconfig:"API_MAX_CONNECTIONS" default:"16384" desc:"most connections, others wait"`
	IdleTimeout     string `envconfig:"API_IDLE_TIMEOUT" default:"5m" desc:"longest wait of a keep-alive connection"`
	ShutdownTimeout string `envconfig:"API_SHUTDOWN_TIMEOUT" default:"10s" desc:"longest graceful stop"`
	LogFormat       string `envconfig:"API_LOG_FORMAT" default:"text" desc:"text or json"`
	LogLevel        string `envconfig:"API_LOG_LEVEL" default:"info" desc:"debug, info, warn or error"`
	AccessLog       string `envconfig:"API_ACCESS_LOG" default:"false" desc:"log every request, at level info"`
	Pprof           string `envconfig:"API_PPROF" default:"false" desc:"serve Go's profiles at /debug/pprof/"`

	RedisHost        string `envconfig:"REDIS_HOST" default:"127.0.0.1" desc:"host of Redis"`
	RedisPort        string `envconfig:"REDIS_PORT" default:"6379" desc:"port of Redis"`
	RedisUsername    string `envconfig:"REDIS_USERNAME" desc:"user, empty for Redis's default user"`
	RedisPassword    string `envconfig:"REDIS_PASSWORD" desc:"password, empty for none"`
	RedisDB          string `envconfig:"REDIS_DB" default:"0" desc:"number of the database"`
	RedisCluster     string `envconfig:"REDIS_CLUSTER" desc:"host:port,... of nodes of a cluster, instead of REDIS_HOST"`
	RedisSentinels   string `envconfig:"REDIS_SENTINELS" desc:"host:port,... of sentinels, instead of REDIS_HOST"`
	RedisMaster      string `envconfig:"REDIS_SENTINEL_MASTER" desc:"name of the master that the sentinels watch"`
	RedisSentinelUsr string `envconfig:"REDIS_SENTINEL_USERNAME" desc:"user at the sentinels"`
	RedisSentinelPwd string `envconfig:"REDIS_SENTINEL_PASSWORD" desc:"password at the sentinels"`
	RedisLegacy      string `envconfig:"REDIS_JSON_LEGACY" default:"false" desc:"the module is RedisJSON 1.x"`
	RedisTLS         string `envconfig:"REDIS_TLS" default:"false" desc:"connect with TLS"`
	RedisTLSCA       string `envconfig:"REDIS_TLS_CA" desc:"file with the CA certificates (PEM) to trust instead of the system's"`
	RedisTLSInsecure string `envconfig:"REDIS_TLS_SKIP_VERIFY" default:"false" desc:"accept any certificate"`
	RedisDialTimeout string `envconfig:"REDIS_DIAL_TIMEOUT" default:"1s" desc:"longest time to connect"`
	RedisTimeout     string `envconfig:"REDIS_TIMEOUT" default:"2s" desc:"longest wait for a connection, a write, a reply"`
	RedisPoolSize    string `envconfig:"REDIS_POOL_SIZE" default:"0" desc:"most connections, 0 for 10 for each CPU"`
}

// settings is the configuration of all parts.
type settings struct {
	addr  string
	log   logging
	api   api.Config
	redis redisstore.Config
}

// readSettings reads the environment. It returns all faults as one error. done is true when args asked for help,
// which it has printed then.
func readSettings(args []string, stdout io.Writer) (s settings, done bool, err error) {
	var env environment
	if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
		return s, true, envconfig.Usagef("", &env, stdout, usage)
	}
	if len(args) > 0 && !slices.Equal(args, []string{"-health"}) {
		return s, false, fmt.Errorf("api: it takes no arguments but -h and -health, got %q: set environment variables", args)
	}
	if err := envconfig.Process("", &env); err != nil {
		return s, false, fmt.Errorf("api: environment: %w", err)
	}
	s, err = env.settings()
	if err != nil {
		err = fmt.Errorf("api: bad configuration:\n%w", err)
	}
	return s, false, err
}

const usage = `The REST service in front of RedisJSON. With -health it asks the one that runs at API_ADDR whether it and its Redis can
serve, and exits with 0 or 1. Environment variables and their defaults:

{{range .}}{{usage_key . | printf "%-22s"}} {{usage_default . | printf "%-10s"}} {{usage_description .}}
{{end}}`

func (env environment) settings() (settings, error) {
	var p parser
	s := settings{
		addr: env.Addr,
		log:  p.logging(env),
		api: api.Config{
			MaxBody:         int64(p.number("API_MAX_BODY", env.MaxBody, 1)),
			ReadTimeout:     p.duration("API_READ_TIMEOUT", env.ReadTimeout),
			WriteTimeout:    p.duration("API_WRITE_TIMEOUT", env.WriteTimeout),
			IdleTimeout:     p.duration("API_IDLE_TIMEOUT", env.IdleTimeout),
			MaxConnections:  p.number("API_MAX_CONNECTIONS", env.MaxConnections, 1),
			ShutdownTimeout: p.duration("API_SHUTDOWN_TIMEOUT", env.ShutdownTimeout),
			AccessLog:       p.boolean("API_ACCESS_LOG", env.AccessLog),
			Profile:         p.boolean("API_PPROF", env.Pprof),
		},
		redis: redisstore.Config{
			Addr:        net.JoinHostPort(env.RedisHost, p.port("REDIS_PORT", env.RedisPort)),
			Username:    env.RedisUsername,
			Password:    env.RedisPassword,
			DB:          p.number("REDIS_DB", env.RedisDB, 0),
			DialTimeout: p.duration("REDIS_DIAL_TIMEOUT", env.RedisDialTimeout),
			Timeout:     p.duration("REDIS_TIMEOUT", env.RedisTimeout),
			PoolSize:    p.number("REDIS_POOL_SIZE", env.RedisPoolSize, 0),
			LegacyPaths: p.boolean("REDIS_JSON_LEGACY", env.RedisLegacy),
			Cluster:     p.addresses("REDIS_CLUSTER", env.RedisCluster),
			Sentinel: redisstore.Sentinel{
				Master:   env.RedisMaster,
				Addrs:    p.addresses("REDIS_SENTINELS", env.RedisSentinels),
				Username: env.RedisSentinelUsr,
				Password: env.RedisSentinelPwd,
			},
		},
	}
	if _, port, err := net.SplitHostPort(env.Addr); err != nil || !isPort(port, 0) {
		p.fault("API_ADDR", env.Addr, "write host:port, or :port for all interfaces; port 0 takes a free one")
	}
	if strings.ContainsAny(env.RedisHost, "/@") { // the value may hold a password
		p.faults = append(p.faults, errors.New("  REDIS_HOST is a URL: write a host name or address; REDIS_PORT, REDIS_USERNAME, REDIS_PASSWORD and REDIS_TLS say the rest"))
	}
	if env.RedisHost == "" {
		p.fault("REDIS_HOST", env.RedisHost, "write a host name or address")
	}
	if env.RedisUsername != "" && env.RedisPassword == "" {
		p.fault("REDIS_USERNAME", env.RedisUsername, "set REDIS_PASSWORD too")
	}
	if (env.RedisSentinels == "") != (env.RedisMaster == "") {
		p.fault("REDIS_SENTINEL_MASTER", env.RedisMaster, "set it and REDIS_SENTINELS, or none of them")
	}
	if env.RedisSentinels != "" && len(s.redis.Cluster) > 0 {
		p.fault("REDIS_CLUSTER", env.RedisCluster, "set it or REDIS_SENTINELS")
	}
	if len(s.redis.Cluster) > 0 && s.redis.DB > 0 {
		p.fault("REDIS_DB", env.RedisDB, "a cluster has database 0 only")
	}
	s.redis.TLS = env.tls(&p)
	return s, errors.Join(p.faults...)
}

func (env environment) tls(p *parser) *tls.Config {
	enabled := p.boolean("REDIS_TLS", env.RedisTLS)
	insecure := p.boolean("REDIS_TLS_SKIP_VERIFY", env.RedisTLSInsecure)
	if !enabled {
		if insecure || env.RedisTLSCA != "" {
			p.fault("REDIS_TLS", env.RedisTLS, "set it to true, because REDIS_TLS_CA or REDIS_TLS_SKIP_VERIFY is set")
		}
		return nil
	}
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: insecure, //nolint:gosec // the user asked for it by name
	}
	if env.RedisTLSCA == "" {
		return cfg
	}
	pem, err := os.ReadFile(env.RedisTLSCA)
	if err != nil {
		p.fault("REDIS_TLS_CA", env.RedisTLSCA, err.Error())
		return nil
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		p.fault("REDIS_TLS_CA", env.RedisTLSCA, "the file has no PEM certificate")
	}
	return cfg
}

// parser turns texts into values and collects the faults.
type parser struct {
	faults []error
}

func (p *parser) fault(name, text, remedy string) {
	p.faults = append(p.faults, fmt.Errorf("  %s is %q: %s", name, text, remedy))
}

func (p *parser) logging(env environment) logging {
	l := logging{json: env.LogFormat == "json"}
	if !l.json && env.LogFormat != "text" {
		p.fault("API_LOG_FORMAT", env.LogFormat, "write text or json")
	}
	if err := l.level.UnmarshalText([]byte(env.LogLevel)); err != nil {
		p.fault("API_LOG_LEVEL", env.LogLevel, "write debug, info, warn or error")
	}
	return l
}

func (p *parser) number(name, text string, least int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		p.fault(name, text, fmt.Sprintf("write a whole number, %d or more", least))
	}
	return n
}

func (p *parser) duration(name, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		p.fault(name, text, "write a duration above 0, such as 500ms or 2s")
	}
	return d
}

func (p *parser) boolean(name, text string) bool {
	b, err := strconv.ParseBool(text)
	if err != nil {
		p.fault(name, text, "write true or false")
	}
	return b
}

// addresses takes a list apart; nil for an empty one.
func (p *parser) addresses(name, text string) []string {
	if text == "" {
		return nil
	}
	addrs := strings.Split(text, ",")
	for i, addr := range addrs {
		addrs[i] = strings.TrimSpace(addr)
		if strings.ContainsAny(addrs[i], "/@") { // the value may hold a password
			p.faults = append(p.faults, fmt.Errorf("  %s has a URL: write host:port, several of them with commas between", name))
			return nil
		}
		if host, port, err := net.SplitHostPort(addrs[i]); err != nil || host == "" || !isPort(port, 1) {
			p.fault(name, text, "write host:port, several of them with commas between")
			return nil
		}
	}
	return addrs
}

// port returns the port that text names, as it came.
func (p *parser) port(name, text string) string {
	if !isPort(text, 1) {
		p.fault(name, text, "write a port, 1 to 65535")
	}
	return text
}

func isPort(text string, least int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= least && n <= 65535
}
