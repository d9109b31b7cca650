/* SPDX-License-Identifier: MIT */
/* What libnats says, as a negative errno. */
#include "remote/nats_link.h"

int heph_nats_error(natsStatus status)
{
	switch (status) {
	case NATS_OK:
		return 0;
	case NATS_CONNECTION_CLOSED:
	case NATS_CONNECTION_DISCONNECTED:
	case NATS_STALE_CONNECTION:
	case NATS_IO_ERROR:
		return -ENOTCONN;
	case NATS_NO_SERVER:
		return -ECONNREFUSED;
	case NATS_TIMEOUT:
		return -ETIME;
	case NATS_CONNECTION_AUTH_FAILED:
	case NATS_NOT_PERMITTED:
		return -EACCES;
	case NATS_NO_RESPONDERS:
		return -ESRCH;
	case NATS_NOT_FOUND:
		return -ENOENT;
	case NATS_NOT_INITIALIZED:
	case NATS_NO_SERVER_SUPPORT:
		return -ENOTSUP;
	case NATS_INVALID_ARG:
	case NATS_INVALID_SUBJECT:
	case NATS_INVALID_TIMEOUT:
	case NATS_INVALID_QUEUE_NAME:
	case NATS_ADDRESS_MISSING:
		return -EINVAL;
	case NATS_INVALID_SUBSCRIPTION:
		return -ESRCH;
	case NATS_NO_MEMORY:
		return -ENOMEM;
	case NATS_MAX_PAYLOAD:
		return -EMSGSIZE;
	case NATS_INSUFFICIENT_BUFFER:
	case NATS_SLOW_CONSUMER:
		return -ENOBUFS;
	case NATS_SSL_ERROR:
	case NATS_SECURE_CONNECTION_REQUIRED:
	case NATS_SECURE_CONNECTION_WANTED:
	case NATS_PROTOCOL_ERROR:
		return -EPROTO;
	default:
		return -EIO;
	}
}

int heph_nats_js_error(natsStatus status, jsErrCode code)
{
	switch (code) {
	case JSNotEnabledErr:
	case JSNotEnabledForAccountErr:
		return -ENOTSUP;
	case JSStreamWrongLastSequenceErr: /* also of one subject */
		return -EEXIST;
	case JSStreamNotFoundErr:
	case JSConsumerNotFoundErr:
	case JSNoMessageFoundErr:
		return -ENOENT;
	case JSInsufficientResourcesErr:
	case JSMemoryResourcesExceededErr:
	case JSStorageResourcesExceededErr:
	case JSStreamStoreFailedErr: /* "maximum messages exceeded", bytes as well */
		return -ENOSPC;
	case JSStreamMessageExceedsMaximumErr:
		return -EMSGSIZE;
	default:
		return heph_nats_error(status);
	}
}
