package s3

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"s3://bucket":                                "s3://bucket/",
		" S3://bucket/pub/debian ":                   "s3://bucket/pub/debian/",
		"s3://my.bucket/a b%2Fc/?region=eu-north-1":  "s3://my.bucket/a%20b/c/?region=eu-north-1",
		"s3://bucket?profile=x&region=cn-north-1":    "s3://bucket/?region=cn-north-1&profile=x",
		"s3+https://Minio.example:443/pub":           "s3+https://minio.example/pub/",
		"s3+https://minio.example:9000/pub/@a//":     "s3+https://minio.example:9000/pub/@a/",
		"s3+http://[::1]:80/tenant:pub/x/":           "s3+http://[::1]/tenant:pub/x/",
		"s3+https://r2.example/pub/?style=virtual":   "s3+https://r2.example/pub/?style=virtual",
		"s3+https://h/b?style=path&region=auto":      "s3+https://h/b/?region=auto&style=path",
		"s3+https://s3.eu-central-1.wasabisys.com/b": "s3+https://s3.eu-central-1.wasabisys.com/b/",
	} {
		got, err := ParseURL(raw)
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", raw, got, err, want)
			continue
		}
		if again, err := ParseURL(got); err != nil || again != got {
			t.Errorf("%s: once more %q, %v", got, again, err)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"":                                      "must begin with",
		"bucket":                                "must begin with",
		"https://bucket/":                       "must begin with",
		"s3:///x":                               "no host name",
		"s3://minio.example:9000/b/":            "another maker",
		"s3+https://minio.example/":             "names no bucket",
		"s3://b/#x":                             "no fragment",
		"s3://b/?region=eu#x":                   "no fragment",
		"s3://b/?region=":                       "one value",
		"s3://b/?region=a&region=b":             "one value",
		"s3://b/?region=a.evil.example/":        "region",
		"s3://b/?region=A":                      "region",
		"s3://b/?endpoint=evil.example":         "must be region, style or profile",
		"s3://b/?%zz":                           "does not parse",
		"s3://b/?style=dns":                     "path or virtual",
		"s3://b/?profile=a%0ab":                 "profile",
		"s3://b/a/../b/":                        `".."`,
		"s3://b/a//b/":                          "empty segment",
		"s3://b/a%00b/":                         "NUL",
		"s3+https://h/../b/":                    "name of a bucket",
		"s3+https://h/a..b/":                    "name of a bucket",
		"s3+https://h/a%20b/":                   "name of a bucket",
		"s3+https://10.0.0.1/b/?style=virtual":  "host name",
		"s3+https://h/Bucket_x/?style=virtual":  "host name",
		"s3+https://AKIA:Secret@h/b/":           "keys do not belong",
		"s3+https://AKIA:Secret/se@h/b/":        "keys do not belong",
		"s3+https://AKIA:Secret?se@h/b/":        "keys do not belong",
		"s3+https://AKIA:Secret#se@h/b/":        "keys do not belong",
		"s3://AKIA:Secret@bucket/":              "keys do not belong",
		"s3://AKIA:Secret@bucket/?region=x.y/?": "keys do not belong",
	} {
		_, err := ParseURL(raw)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", raw, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "Secret") {
			t.Errorf("%q: the error shows the key: %v", raw, err)
		}
	}
}

func TestEndpoint(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "sa-east-1")
	for raw, want := range map[string]string{
		"s3://bucket/":                                "sa-east-1 https://bucket.s3.sa-east-1.amazonaws.com/",
		"s3://bucket/?region=eu-west-1":               "eu-west-1 https://bucket.s3.eu-west-1.amazonaws.com/",
		"s3://bucket/?region=eu-west-1&style=path":    "eu-west-1 https://s3.eu-west-1.amazonaws.com/bucket/",
		"s3://my.bucket/?region=cn-north-1":           "cn-north-1 https://s3.cn-north-1.amazonaws.com.cn/my.bucket/",
		"s3://Old_Bucket/x":                           "sa-east-1 https://s3.sa-east-1.amazonaws.com/Old_Bucket/",
		"s3+http://127.0.0.1:9000/b/x/":               "us-east-1 http://127.0.0.1:9000/b/",
		"s3+https://h:8080/b/?style=virtual":          "us-east-1 https://b.h:8080/",
		"s3+https://s3.us-west-004.backblazeb2.com/b": "us-west-004 https://s3.us-west-004.backblazeb2.com/b/",
		"s3+https://s3-eu-west-3.amazonaws.com/b":     "eu-west-3 https://s3-eu-west-3.amazonaws.com/b/",
		"s3+https://h/tenant:b/":                      "us-east-1 https://h/tenant%3Ab/",
	} {
		target, err := parseTarget(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		region := target.firstRegion()
		if got := region + " " + target.endpoint(region).String(); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}
