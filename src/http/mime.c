/* SPDX-License-Identifier: MIT */
/* Media types by the end of a name. RFC 9239 says text/javascript. */
#include <heph/http/static.h>

#include <stdlib.h>

#include "http/mime.h"

#define UTF_8 "; charset=utf-8"

/* In the order of strcmp(): it is searched. */
static const struct heph_http_mime types[] = {
	{ "7z", "application/x-7z-compressed" },
	{ "aac", "audio/aac" },
	{ "apng", "image/apng" },
	{ "appcache", "text/cache-manifest" UTF_8 },
	{ "atom", "application/atom+xml" UTF_8 },
	{ "avi", "video/x-msvideo" },
	{ "avif", "image/avif" },
	{ "bin", "application/octet-stream" },
	{ "bmp", "image/bmp" },
	{ "br", "application/x-brotli" },
	{ "bz2", "application/x-bzip2" },
	{ "c", "text/plain" UTF_8 },
	{ "cjs", "text/javascript" UTF_8 },
	{ "conf", "text/plain" UTF_8 },
	{ "cpp", "text/plain" UTF_8 },
	{ "css", "text/css" UTF_8 },
	{ "csv", "text/csv" UTF_8 },
	{ "deb", "application/vnd.debian.binary-package" },
	{ "doc", "application/msword" },
	{ "docx", "application/vnd.openxmlformats-officedocument."
		  "wordprocessingml.document" },
	{ "epub", "application/epub+zip" },
	{ "flac", "audio/flac" },
	{ "geojson", "application/geo+json" },
	{ "gif", "image/gif" },
	{ "gz", "application/gzip" },
	{ "h", "text/plain" UTF_8 },
	{ "heic", "image/heic" },
	{ "htm", "text/html" UTF_8 },
	{ "html", "text/html" UTF_8 },
	{ "ico", "image/vnd.microsoft.icon" },
	{ "ics", "text/calendar" UTF_8 },
	{ "ini", "text/plain" UTF_8 },
	{ "iso", "application/octet-stream" },
	{ "jar", "application/java-archive" },
	{ "jpeg", "image/jpeg" },
	{ "jpg", "image/jpeg" },
	{ "js", "text/javascript" UTF_8 },
	{ "json", "application/json" },
	{ "jsonld", "application/ld+json" },
	{ "jxl", "image/jxl" },
	{ "log", "text/plain" UTF_8 },
	{ "m3u8", "application/vnd.apple.mpegurl" },
	{ "m4a", "audio/mp4" },
	{ "m4v", "video/mp4" },
	{ "map", "application/json" },
	{ "markdown", "text/markdown" UTF_8 },
	{ "md", "text/markdown" UTF_8 },
	{ "mid", "audio/midi" },
	{ "mjs", "text/javascript" UTF_8 },
	{ "mkv", "video/matroska" },
	{ "mov", "video/quicktime" },
	{ "mp3", "audio/mpeg" },
	{ "mp4", "video/mp4" },
	{ "mpd", "application/dash+xml" },
	{ "mpeg", "video/mpeg" },
	{ "mpg", "video/mpeg" },
	{ "ndjson", "application/x-ndjson" },
	{ "odp", "application/vnd.oasis.opendocument.presentation" },
	{ "ods", "application/vnd.oasis.opendocument.spreadsheet" },
	{ "odt", "application/vnd.oasis.opendocument.text" },
	{ "oga", "audio/ogg" },
	{ "ogg", "audio/ogg" },
	{ "ogv", "video/ogg" },
	{ "opus", "audio/ogg" },
	{ "otf", "font/otf" },
	{ "pdf", "application/pdf" },
	{ "png", "image/png" },
	{ "ppt", "application/vnd.ms-powerpoint" },
	{ "pptx", "application/vnd.openxmlformats-officedocument."
		  "presentationml.presentation" },
	{ "ps", "application/postscript" },
	{ "rar", "application/vnd.rar" },
	{ "rss", "application/rss+xml" UTF_8 },
	{ "rtf", "application/rtf" },
	{ "svg", "image/svg+xml" },
	{ "svgz", "image/svg+xml" },
	{ "tar", "application/x-tar" },
	{ "tgz", "application/gzip" },
	{ "tif", "image/tiff" },
	{ "tiff", "image/tiff" },
	{ "toml", "application/toml" },
	{ "ts", "video/mp2t" },
	{ "tsv", "text/tab-separated-values" UTF_8 },
	{ "ttc", "font/collection" },
	{ "ttf", "font/ttf" },
	{ "txt", "text/plain" UTF_8 },
	{ "vtt", "text/vtt" UTF_8 },
	{ "wasm", "application/wasm" },
	{ "wav", "audio/wav" },
	{ "weba", "audio/webm" },
	{ "webm", "video/webm" },
	{ "webmanifest", "application/manifest+json" },
	{ "webp", "image/webp" },
	{ "woff", "font/woff" },
	{ "woff2", "font/woff2" },
	{ "xhtml", "application/xhtml+xml" UTF_8 },
	{ "xls", "application/vnd.ms-excel" },
	{ "xlsx", "application/vnd.openxmlformats-officedocument."
		  "spreadsheetml.sheet" },
	{ "xml", "application/xml" },
	{ "xz", "application/x-xz" },
	{ "yaml", "application/yaml" },
	{ "yml", "application/yaml" },
	{ "zip", "application/zip" },
	{ "zst", "application/zstd" },
};

enum { SUFFIX = 16 }; /* bytes, with a nul */

/* What follows the last "." of the last name, in lower case; "": nothing does. */
static void find_suffix(struct heph_str name, char suffix[SUFFIX])
{
	size_t n = 0, at;

	while (n < name.size && name.data[name.size - n - 1] != '.' &&
	       name.data[name.size - n - 1] != '/')
		n++;
	suffix[0] = '\0';
	if (n >= SUFFIX || n == name.size ||
	    name.data[name.size - n - 1] != '.')
		return;
	for (at = 0; at < n; at++) {
		char c = name.data[name.size - n + at];

		suffix[at] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	suffix[n] = '\0';
}

static int compare(const void *suffix, const void *mime)
{
	return strcmp(suffix, ((const struct heph_http_mime *)mime)->suffix);
}

const char *heph_http_mime_find(const struct heph_http_mime *more,
				struct heph_str name)
{
	const struct heph_http_mime *found;
	char suffix[SUFFIX];

	find_suffix(name, suffix);
	for (; more && more->suffix; more++)
		if (strcmp(more->suffix, suffix) == 0)
			return more->type;
	found = bsearch(suffix, types, sizeof(types) / sizeof(*types),
			sizeof(*types), compare);
	return found ? found->type : "application/octet-stream";
}

const char *heph_http_mime_type(struct heph_str name)
{
	return heph_http_mime_find(NULL, name);
}
