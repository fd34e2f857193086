/* SPDX-License-Identifier: ISC */
#include "authd/password.h"

#include <crypt.h>
#include <string.h>

#include "authd/users.h"
#include "base/hash.h"
#include "base/log.h"
#include "wire/auth.h"

#define METHOD	"$y$"		/* yescrypt; its cost is crypt(3)'s own default */

static struct crypt_data work;
static char dummy[CRYPT_OUTPUT_SIZE];
static uint64_t keys[2][2];
static msec_t ttl_ms;
static struct seen {
	uint64_t a, b;
	msec_t until;
} cache[PASSWORD_CACHE];

/* crypt(3) with counted texts; NULL when it refuses.  The result is in `work`. */
static const char *
run(struct str password, struct str setting)
{
	char phrase[AUTH_PASSWORD_MAX + 1], text[USERS_HASH_MAX];
	const char *out;

	if (password.n > AUTH_PASSWORD_MAX || setting.n >= sizeof(text) ||
	    str_chr(password, '\0') >= 0)
		return NULL;
	memcpy(phrase, password.p, password.n);
	phrase[password.n] = '\0';
	memcpy(text, setting.p, setting.n);
	text[setting.n] = '\0';
	out = crypt_r(phrase, text, &work);
	explicit_bzero(phrase, sizeof(phrase));
	return out == NULL || out[0] == '*' ? NULL : out;
}

bool
password_hash(struct buf *out, struct str password)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash;

	if (crypt_gensalt_rn(METHOD, 0, NULL, 0, setting, sizeof(setting)) == NULL ||
	    (hash = run(password, str_of(setting))) == NULL)
		return false;
	buf_addz(out, hash);
	explicit_bzero(&work, sizeof(work));
	return true;
}

void
password_init(msec_t ttl)
{
	struct buf b = { 0 };
	unsigned char secret[16];

	ttl_ms = ttl;
	hash_seed(keys[0]);
	hash_seed(keys[1]);
	memset(cache, 0, sizeof(cache));
	/* A password nobody knows. */
	random_bytes(secret, sizeof(secret));
	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] |= 1;
	if (password_hash(&b, str_n(secret, sizeof(secret))) && b.n < sizeof(dummy))
		memcpy(dummy, b.p, b.n + 1);
	else
		log_error("crypt(3) knows no yescrypt here");
	buf_free(&b);
}

/* The place for what is remembered about this triple, and its two hashes. */
static struct seen *
place(struct str user, struct str hash, struct str password, uint64_t *a, uint64_t *b)
{
	struct buf all = { 0 };

	/* Counted, so no two triples make the same text. */
	buf_addf(&all, "%zu:%zu:", user.n, hash.n);
	buf_add(&all, user);
	buf_add(&all, hash);
	buf_add(&all, password);
	*a = hash_sip(keys[0], buf_str(&all));
	*b = hash_sip(keys[1], buf_str(&all));
	explicit_bzero(all.p, all.n);
	buf_free(&all);
	return &cache[*a % PASSWORD_CACHE];
}

/* "{CRYPT}$y$..." is how others write it. */
static struct str
without_scheme(struct str hash)
{
	if (str_istart(hash, STR("{CRYPT}")))
		return str_sub(hash, 7, hash.n);
	return hash;
}

bool
password_check(struct str user, struct str hash, struct str password)
{
	struct str want = without_scheme(hash);
	struct seen *seen;
	const char *got;
	uint64_t a, b;
	bool ok;

	seen = place(user, want, password, &a, &b);
	if (want.n > 0 && seen->a == a && seen->b == b && seen->until > clock_ms())
		return true;
	if ((got = run(password, want.n > 0 ? want : str_of(dummy))) == NULL) {
		/* A setting crypt does not know ("!", "*") costs nothing there: pay here. */
		if (want.n > 0)
			(void)run(password, str_of(dummy));
		return false;
	}
	ok = want.n > 0 && strlen(got) == want.n && str_eq_secret(got, want.p, want.n);
	explicit_bzero(&work, sizeof(work));
	if (ok && ttl_ms > 0)
		*seen = (struct seen){ a, b, deadline_in(ttl_ms) };
	return ok;
}
