#include "CLibcurl.h"

// The names are in brackets so that the macros of the same names, which check constant arguments at
// compile time, stay out of the way: here the option is a variable.

CURLcode perch_easy_set_long(CURL *handle, CURLoption option, long value) {
    return (curl_easy_setopt)(handle, option, value);
}

CURLcode perch_easy_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
    return (curl_easy_setopt)(handle, option, value);
}

CURLcode perch_easy_set_string(CURL *handle, CURLoption option, const char *value) {
    return (curl_easy_setopt)(handle, option, value);
}

CURLcode perch_easy_set_pointer(CURL *handle, CURLoption option, void *value) {
    return (curl_easy_setopt)(handle, option, value);
}

CURLcode perch_easy_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return (curl_easy_setopt)(handle, option, value);
}

CURLcode perch_easy_set_data_callback(CURL *handle, CURLoption option, perch_data_callback value) {
    return (curl_easy_setopt)(handle, option, value);
}

CURLcode perch_easy_set_prerequest_callback(CURL *handle, curl_prereq_callback value) {
    return (curl_easy_setopt)(handle, CURLOPT_PREREQFUNCTION, value);
}

CURLcode perch_easy_set_open_socket_callback(CURL *handle, curl_opensocket_callback value) {
    return (curl_easy_setopt)(handle, CURLOPT_OPENSOCKETFUNCTION, value);
}

CURLcode perch_easy_get_long(CURL *handle, CURLINFO info, long *value) {
    return (curl_easy_getinfo)(handle, info, value);
}

CURLcode perch_easy_get_pointer(CURL *handle, CURLINFO info, void **value) {
    return (curl_easy_getinfo)(handle, info, value);
}

CURLMcode perch_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return (curl_multi_setopt)(multi, option, value);
}

CURLcode perch_message_result(const CURLMsg *message) {
    return message->data.result;
}
