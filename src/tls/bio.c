/* SPDX-License-Identifier: MIT */
#include "tls/bio.h"

#include <string.h>

#include "tls/conn.h"

static int read_in(BIO *bio, char *buf, int size)
{
	struct heph_tls_conn *conn = BIO_get_data(bio);
	size_t n = (size_t)size < conn->in_size ? (size_t)size : conn->in_size;

	BIO_clear_retry_flags(bio);
	if (conn->reader.gone) /* with its view */
		return 0;
	if (n == 0) {
		if (!conn->eof)
			BIO_set_retry_read(bio);
		return conn->eof ? 0 : -1;
	}
	memcpy(buf, conn->in, n);
	conn->in += n;
	conn->in_size -= n;
	return (int)n;
}

static int write_out(BIO *bio, const char *buf, int size)
{
	struct heph_tls_conn *conn = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (conn->writer.gone) /* nobody will write it */
		return size;
	if (!heph_tls_conn_reserve(conn, (size_t)size))
		return -1;
	memcpy(conn->out + conn->out_size, buf, (size_t)size);
	conn->out_size += (size_t)size;
	return size;
}

static long control(BIO *bio, int what, long number, void *ptr)
{
	const struct heph_tls_conn *conn = BIO_get_data(bio);

	(void)number, (void)ptr;
	switch (what) {
	case BIO_CTRL_FLUSH: /* that is heph_tls_conn_flush() */
		return 1;
	case BIO_CTRL_EOF:
		return conn->eof && conn->in_size == 0;
	default:
		return 0;
	}
}

BIO_METHOD *heph_tls_bio_method(void)
{
	/* Without an index of its own: there are but 128. */
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "heph");

	if (method && BIO_meth_set_read(method, read_in) == 1 &&
	    BIO_meth_set_write(method, write_out) == 1 &&
	    BIO_meth_set_ctrl(method, control) == 1)
		return method;
	BIO_meth_free(method);
	return NULL;
}

BIO *heph_tls_bio_new(const BIO_METHOD *method, struct heph_tls_conn *conn)
{
	BIO *bio = BIO_new(method);

	if (!bio)
		return NULL;
	BIO_set_data(bio, conn);
	BIO_set_init(bio, 1);
	return bio;
}
