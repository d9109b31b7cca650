/* SPDX-License-Identifier: MIT */
/*
 * tls.h - TLS over stream sockets, by OpenSSL; libheph-tls
 *
 * A struct heph_tls is one side's certificates, keys and rules: made once, used
 * by all workers, and exchanged while it is in use. heph_tls_accept() and
 * heph_tls_connect() protect one connection; what they give is a stream
 * (stream.h).
 *
 *     err = heph_tls_server_new(&tls, .cert = { .file = "cert.pem",
 *                                               .key_file = "key.pem" });
 *     ...
 *     err = heph_tls_accept(heph_within(ctx, 10 * HEPH_SEC), tls, fd, &stream);
 *
 * By default: TLS 1.2 and newer; ciphers with forward secrecy that authenticate
 * what they encrypt; no compression, no renegotiation, no early data; a client
 * verifies the peer's certificate and its name.
 *
 * Errors are told by their number and, in words, by heph_tls_error_text():
 *
 *     -EPROTO       the peer did not keep to the protocol, refused ours, or has
 *                   no version, cipher or application protocol in common with us
 *     -EKEYREJECTED its certificate is not to be trusted: an unknown issuer,
 *                   another name, a wrong use
 *     -EKEYEXPIRED  its certificate has expired, or is not valid yet
 *     -ENOKEY       it has no certificate, and must have one
 *     -ECONNRESET   the connection was cut: the peer did not say that it ends
 *     -EBADMSG      (of files) it is not what it should be
 */
#ifndef HEPH_TLS_H
#define HEPH_TLS_H

#include <heph/str.h>
#include <heph/stream.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_tls;

enum heph_tls_version {
	HEPH_TLS_1_2 = 12,
	HEPH_TLS_1_3 = 13,
};

enum heph_tls_verify {
	HEPH_TLS_VERIFY_DEFAULT,  /* clients: required; servers: none */
	HEPH_TLS_VERIFY_NONE,     /* anybody may be the peer of such a client */
	HEPH_TLS_VERIFY_OPTIONAL, /* servers: none, or one that can be trusted */
	HEPH_TLS_VERIFY_REQUIRED,
	HEPH_TLS_VERIFY_ISSUER,   /* clients: it can be trusted, but the caller
				   * looks whose it is; `host` has no use */
};

/* A certificate, those above it up to but without the root, and its key: files, or
 * texts, in PEM. A file or text without a key beside it holds the key, too. */
struct heph_tls_cert {
	const char *file, *key_file;
	const char *pem, *key_pem; /* these count, if both are given */
	const char *password;      /* of the key; NULL: none */
};

/* Zero is the default everywhere. All is copied. */
struct heph_tls_config {
	size_t size; /* of this struct; set by the macros */

	/* What this side shows: a server must have one, a client may. With several
	 * the name that a client asks for decides: exact names and wildcards are
	 * those in the certificates, and of one name there may be several kinds of
	 * keys. Who asks for no name, or an unknown one, gets the first. */
	struct heph_tls_cert cert;
	const struct heph_tls_cert *more_certs;
	size_t n_more_certs;
	bool refuse_unknown_names; /* unrecognized_name, instead of the first */

	/* Whom it trusts: all of these together. A client that is given none of them
	 * has the system's; a server that verifies must be given one. */
	const char *ca_file; /* PEM */
	const char *ca_pem;
	const char *ca_dir; /* all files in it */
	bool ca_system;
	enum heph_tls_verify verify;

	/* "h2,http/1.1": application protocols (RFC 7301), the best first; NULL: any. A
	 * server refuses those who offer others only. */
	const char *alpn;
	const char *host; /* of clients: for heph_tls_connect() without one */

	enum heph_tls_version min_version, max_version; /* 1.2, 1.3 */
	const char *ciphers; /* of TLS 1.2, as OpenSSL names them */
	const char *suites;  /* of TLS 1.3 */
	const char *groups;  /* for the exchange of keys */

	/* Later connections resume what an earlier one agreed upon: by tickets,
	 * which a server keeps nothing for. Its keys for tickets are the same on all
	 * workers and change each `ticket_time`; so long a ticket is good. */
	bool no_resumption;
	heph_time ticket_time; /* 1 h; seconds, at most 7 days */
	unsigned sessions;     /* that a client keeps, of all hosts; 256; a reload
				* does not change it */
};

/*
 * heph_tls_server_new(&tls, .option = ...), heph_tls_client_new(&tls, ...): make
 * one. They read files, and so block the thread for a moment. Any thread, and
 * actors. Return 0; -EINVAL (options that cannot be), -ENOENT, -EACCES and so on
 * (of files), -EBADMSG (what is in them), -EKEYREJECTED (key and certificate do
 * not belong together), -ENOMEM.
 */
#define heph_tls_server_new(ret_tls, ...)                                      \
	HEPH_WITH__(heph_tls_raw_server_new(                                   \
		(ret_tls), HEPH_SIZED__(struct heph_tls_config, __VA_ARGS__)))
#define heph_tls_client_new(ret_tls, ...)                                      \
	HEPH_WITH__(heph_tls_raw_client_new(                                   \
		(ret_tls), HEPH_SIZED__(struct heph_tls_config, __VA_ARGS__)))
HEPH_API HEPH_MUST int
heph_tls_raw_server_new(struct heph_tls **ret_tls,
			const struct heph_tls_config *config);
HEPH_API HEPH_MUST int
heph_tls_raw_client_new(struct heph_tls **ret_tls,
			const struct heph_tls_config *config);

/* Holds it once more, for somebody who gives it back by himself. Returns `tls`. Any
 * thread. */
HEPH_API struct heph_tls *heph_tls_ref(struct heph_tls *tls);

/* Gives it back; NULL is ignored. Connections go on, and keep what they need.
 * Any thread. */
HEPH_API void heph_tls_free(struct heph_tls *tls);

/*
 * heph_tls_reload(tls, .option = ...): handshakes that begin from now on use these
 * options; connections go on as they are. After an error all stays as it was.
 * Sessions are not resumed across it if it verifies peers. Any thread; blocks as
 * heph_tls_server_new() does, and returns the same.
 */
#define heph_tls_reload(tls, ...)                                              \
	HEPH_WITH__(heph_tls_raw_reload(                                       \
		(tls), HEPH_SIZED__(struct heph_tls_config, __VA_ARGS__)))
HEPH_API HEPH_MUST int heph_tls_raw_reload(struct heph_tls *tls,
					   const struct heph_tls_config *config);

/* The same with the options that it has, and what is in their files now. Returns
 * 1; 0 (the files have not changed); errors, with all as it was. */
HEPH_API HEPH_MUST int heph_tls_reload_files(struct heph_tls *tls);

/* ---- connections --------------------------------------------------------------- */

/*
 * Wait. Shake hands over a connected socket of the caller's; the deadline of
 * `ctx` bounds it. The stream has taken the descriptor over if they return 0;
 * after an error, of which the peer was told where it can be, it is still the
 * caller's, and good only for heph_close(). A stream is freed by
 * heph_stream_close(), or with the actor. Besides what is listed above they
 * return -ENOMEM, and what reading and writing returns.
 *
 * A client asks for `host`, a name or an address, and the peer's certificate must
 * be of it, by one of its alternative names. NULL: that of the options; -EINVAL if
 * there is none. With TLS 1.3 a server tells that it refuses the client's
 * certificate only after this: the first read returns it.
 */
HEPH_API HEPH_MUST int heph_tls_accept(heph_ctx ctx, struct heph_tls *tls,
				       heph_fd fd, struct heph_stream *ret_stream);
HEPH_API HEPH_MUST int heph_tls_connect(heph_ctx ctx, struct heph_tls *tls,
					heph_fd fd, const char *host,
					struct heph_stream *ret_stream);

/* Why the latest function of this header or of a TLS stream that returned an error
 * on this thread did so: "certificate has expired". In English, for people; never
 * NULL. To be read before the next wait, as other actors write it, too. */
HEPH_API const char *heph_tls_error_text(void);

/* What a connection has agreed upon. Texts are valid until it is closed. */
struct heph_tls_info {
	enum heph_tls_version version;
	const char *cipher;   /* "TLS_AES_256_GCM_SHA384" */
	struct heph_str alpn; /* size 0: none */
	struct heph_str name; /* that the client asked for; size 0: none */
	bool resumed;
	bool verified; /* the peer has a certificate, and it was looked at */
};

/* Tells it. Does not wait. Returns 0; -EINVAL: it is no stream of TLS. */
HEPH_API HEPH_MUST int heph_tls_info(const struct heph_stream *stream,
				     struct heph_tls_info *ret_info);

/* The certificate of the peer. Of 800 bytes: not for a stack that waits. */
struct heph_tls_peer {
	char subject[256], issuer[256]; /* as in RFC 2253, cut if they are longer */
	char serial[64];                /* in hexadecimal digits */
	unsigned char fingerprint[32];  /* SHA-256 of the certificate */
	int64_t from, until; /* valid; seconds since 1970 */
	unsigned names; /* for heph_tls_peer_name() */
};

/* Tells it. Does not wait. Returns 0; -ENOENT: it has shown none; -EINVAL: it is no
 * stream of TLS; -ENOMEM. */
HEPH_API HEPH_MUST int heph_tls_peer(const struct heph_stream *stream,
				     struct heph_tls_peer *ret_peer);

enum heph_tls_name {
	HEPH_TLS_DNS,
	HEPH_TLS_IP,
	HEPH_TLS_EMAIL,
	HEPH_TLS_URI,
	HEPH_TLS_OTHER_NAME, /* its text is empty */
};

/* One of the alternative names of the peer's certificate, from 0 on, and how long
 * it is. Does not wait. Returns 0; -ENOENT: no more; -ENOSPC: `size` bytes, with a
 * nul, do not hold it; -EBADMSG: it has a nul inside, and means to deceive;
 * -EINVAL, -ENOMEM. */
HEPH_API HEPH_MUST int heph_tls_peer_name(const struct heph_stream *stream,
					  unsigned index,
					  enum heph_tls_name *ret_kind,
					  char *ret_name, size_t size);

/* The common name in its subject, in UTF-8; of several the last one, which is of the
 * owner's own. Returns as heph_tls_peer_name(). */
HEPH_API HEPH_MUST int
heph_tls_peer_common_name(const struct heph_stream *stream, char *ret_name,
			  size_t size);

#ifdef __cplusplus
}
#endif
#endif
