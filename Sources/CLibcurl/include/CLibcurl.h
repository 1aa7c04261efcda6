#ifndef PERCH_CLIBCURL_H
#define PERCH_CLIBCURL_H

// The system's libcurl, and one plainly typed function for each shape of argument that its variadic
// calls take: Swift imports no variadic C function.
//
// The oldest libcurl these rooms are built for is 7.87 (CURLOPT_QUICK_EXIT); Debian 12 has 7.88.1.
#include <curl/curl.h>

#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or newer is needed (Debian 12: libcurl4-openssl-dev)"
#endif

CURLcode perch_easy_set_long(CURL *handle, CURLoption option, long value);
CURLcode perch_easy_set_offset(CURL *handle, CURLoption option, curl_off_t value);
/// `value` may be NULL, which puts the option back to unset.
CURLcode perch_easy_set_string(CURL *handle, CURLoption option, const char *value);
CURLcode perch_easy_set_pointer(CURL *handle, CURLoption option, void *value);
CURLcode perch_easy_set_list(CURL *handle, CURLoption option, struct curl_slist *value);

/// For CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION: the number of bytes taken is answered.
typedef size_t (*perch_data_callback)(char *data, size_t size, size_t count, void *context);
CURLcode perch_easy_set_data_callback(CURL *handle, CURLoption option, perch_data_callback value);
CURLcode perch_easy_set_prerequest_callback(CURL *handle, curl_prereq_callback value);
CURLcode perch_easy_set_open_socket_callback(CURL *handle, curl_opensocket_callback value);

CURLcode perch_easy_get_long(CURL *handle, CURLINFO info, long *value);
CURLcode perch_easy_get_pointer(CURL *handle, CURLINFO info, void **value);

CURLMcode perch_multi_set_long(CURLM *multi, CURLMoption option, long value);

/// The result of a finished transfer: `CURLMsg` keeps it in a union.
CURLcode perch_message_result(const CURLMsg *message);

#endif
