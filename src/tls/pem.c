/* SPDX-License-Identifier: MIT */
#include "tls/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls/error.h"

/* ---- reading --------------------------------------------------------------------- */

int heph_tls_reader_init(struct heph_tls_reader *reader)
{
	memset(reader, 0, sizeof(*reader));
	reader->digest = EVP_MD_CTX_new();
	if (reader->digest &&
	    EVP_DigestInit_ex(reader->digest, EVP_sha256(), NULL) == 1)
		return 0;
	return heph_tls_error_take(-ENOMEM, "digest");
}

void heph_tls_reader_fini(struct heph_tls_reader *reader)
{
	EVP_MD_CTX_free(reader->digest);
	reader->digest = NULL;
}

int heph_tls_reader_end(struct heph_tls_reader *reader)
{
	return EVP_DigestFinal_ex(reader->digest, reader->seen, NULL) == 1 ?
		       0 :
		       heph_tls_error_take(-ENOMEM, "digest");
}

/* What a file or a text holds; it may be a key. */
struct content {
	const char *name; /* for errors */
	char *data;
	size_t size;
};

static void forget(struct content *it)
{
	OPENSSL_clear_free(it->data, it->size);
	it->data = NULL;
	it->size = 0;
}

/* How large an open file is, or an error: it is no file, or too large. */
static ssize_t size_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EBADMSG;
	return st.st_size <= HEPH_TLS_FILE_MAX ? st.st_size : -EFBIG;
}

static int read_open(int fd, struct content *it)
{
	ssize_t size = size_of(fd), n = 1;

	if (size < 0)
		return (int)size;
	it->data = OPENSSL_malloc((size_t)size + 1);
	if (!it->data)
		return -ENOMEM;
	while (n > 0 && it->size < (size_t)size) {
		n = read(fd, it->data + it->size, (size_t)size - it->size);
		if (n > 0)
			it->size += (size_t)n;
	}
	return n < 0 ? -errno : 0;
}

/* From the file if there is no text. O_NONBLOCK: nobody may have the other end of
 * a pipe. */
static int read_content(struct heph_tls_reader *reader, const char *path,
			const char *text, struct content *it)
{
	int fd, err;

	memset(it, 0, sizeof(*it));
	it->name = text ? "PEM in memory" : path;
	if (text) {
		it->size = strlen(text);
		it->data = OPENSSL_memdup(text, it->size + 1);
		return it->data ? 0 : heph_tls_error(-ENOMEM, "no memory");
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	err = fd < 0 ? -errno : read_open(fd, it);
	if (fd >= 0)
		close(fd);
	if (err == 0 &&
	    EVP_DigestUpdate(reader->digest, it->data, it->size) != 1)
		err = -ENOMEM;
	if (err < 0)
		forget(it);
	return err < 0 ? heph_tls_error(err, "%s: %s", path, strerror(-err)) : 0;
}

static BIO *open_content(const struct content *it)
{
	return BIO_new_mem_buf(it->data, (int)it->size);
}

/* ---- a certificate and its key --------------------------------------------------- */

/* OpenSSL would ask the terminal. */
static int give_password(char *buf, int size, int writing, void *arg)
{
	const char *password = arg;
	size_t n = password ? strlen(password) : 0;

	(void)writing;
	if (n > (size_t)size)
		return -1;
	if (n > 0)
		memcpy(buf, password, n);
	return (int)n;
}

/* PEM ended, rather than being wrong. */
static bool pem_ended(void)
{
	unsigned long error = ERR_peek_last_error();

	if (ERR_GET_LIB(error) != ERR_LIB_PEM ||
	    ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

static bool read_chain(BIO *bio, STACK_OF(X509) *chain)
{
	X509 *cert;

	while ((cert = PEM_read_bio_X509(bio, NULL, give_password, NULL))) {
		if (sk_X509_num(chain) < HEPH_TLS_CHAIN_MAX &&
		    sk_X509_push(chain, cert) > 0)
			continue;
		X509_free(cert);
		return false;
	}
	return pem_ended();
}

static int parse_cert(struct heph_tls_pair *pair, const struct content *it)
{
	BIO *bio = open_content(it);
	bool ok;

	pair->chain = sk_X509_new_null();
	if (bio)
		pair->cert = PEM_read_bio_X509_AUX(bio, NULL, give_password,
						   NULL);
	ok = pair->cert && pair->chain && read_chain(bio, pair->chain);
	BIO_free(bio);
	if (bio && !pair->cert && pem_ended())
		return heph_tls_error(-EBADMSG, "%s: there is no -----BEGIN "
				      "CERTIFICATE----- in it", it->name);
	return ok ? 0 : heph_tls_error_take(-EBADMSG, it->name);
}

static int parse_key(struct heph_tls_pair *pair, const struct content *it,
		     const char *password)
{
	BIO *bio = open_content(it);

	if (bio)
		pair->key = PEM_read_bio_PrivateKey(
			bio, NULL, give_password,
			(void *)(uintptr_t)password);
	BIO_free(bio);
	if (!pair->key)
		return heph_tls_error_take(-EBADMSG, it->name);
	if (X509_check_private_key(pair->cert, pair->key) == 1)
		return 0;
	ERR_clear_error();
	return heph_tls_error(-EKEYREJECTED,
			      "%s: the key is not that of the certificate",
			      it->name);
}

int heph_tls_pair_init(struct heph_tls_pair *pair, struct heph_tls_reader *reader,
		       const struct heph_tls_cert *cert)
{
	bool apart = cert->pem ? cert->key_pem != NULL : cert->key_file != NULL;
	struct content certs, key;
	int err;

	memset(pair, 0, sizeof(*pair));
	if (!cert->file && !cert->pem)
		return heph_tls_error(-EINVAL, "options: a certificate of nothing");
	ERR_clear_error();
	err = read_content(reader, cert->file, cert->pem, &certs);
	if (err < 0)
		return err;
	err = parse_cert(pair, &certs);
	if (err == 0 && !apart)
		err = parse_key(pair, &certs, cert->password);
	forget(&certs);
	if (err < 0 || !apart)
		return err;
	err = read_content(reader, cert->key_file,
			   cert->pem ? cert->key_pem : NULL, &key);
	if (err < 0)
		return err;
	err = parse_key(pair, &key, cert->password);
	forget(&key);
	return err;
}

void heph_tls_pair_fini(struct heph_tls_pair *pair)
{
	X509_free(pair->cert);
	sk_X509_pop_free(pair->chain, X509_free);
	EVP_PKEY_free(pair->key);
	memset(pair, 0, sizeof(*pair));
}

/* ---- whom to trust ----------------------------------------------------------------- */

static int add_all(X509_STORE *store, STACK_OF(X509_INFO) *infos)
{
	int n = 0, ok = 1;

	for (int i = 0; ok == 1 && i < sk_X509_INFO_num(infos); i++) {
		X509_INFO *info = sk_X509_INFO_value(infos, i);

		if (info->x509)
			ok = X509_STORE_add_cert(store, info->x509);
		if (ok == 1 && info->crl)
			ok = X509_STORE_add_crl(store, info->crl);
		n += info->x509 != NULL;
		if (info->crl)
			X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
	}
	return ok == 1 ? n : -EBADMSG;
}

int heph_tls_pem_trust(X509_STORE *store, struct heph_tls_reader *reader,
		       const char *path, const char *text)
{
	STACK_OF(X509_INFO) *infos = NULL;
	struct content it;
	BIO *bio;
	int n;

	ERR_clear_error();
	n = read_content(reader, path, text, &it);
	if (n < 0)
		return n;
	bio = open_content(&it);
	if (bio)
		infos = PEM_X509_INFO_read_bio(bio, NULL, give_password, NULL);
	n = infos ? add_all(store, infos) : -EBADMSG;
	if (n < 0)
		n = heph_tls_error_take(n, it.name);
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	BIO_free(bio);
	forget(&it);
	return n;
}
