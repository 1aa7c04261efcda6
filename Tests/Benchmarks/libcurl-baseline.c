// What libcurl itself can do: POSTs the requests of a file over one multi handle and prints, as one line of
// JSON, how many were answered, in how many seconds, and with how many seconds of processor time. The yard
// stick for Perch's own client, which stands on the same library.
//
//   cc -O2 -o libcurl-baseline libcurl-baseline.c -lcurl
//   ./libcurl-baseline BASE-URL REQUESTS-FILE CONCURRENCY GRADIENT-TOKEN [COUNT]
//
// REQUESTS-FILE has one request a line, path and body separated by a tab. With COUNT, that many requests are
// sent, from the top again when the file ends; without it, each line once. The exit code is 0 when every
// request was answered with a 2xx status.

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct request {
    char *url;
    char *body;
};

static void fail(const char *what, const char *why) {
    fprintf(stderr, "libcurl-baseline: %s: %s\n", what, why);
    exit(2);
}

static void *checked(void *memory) {
    if (memory == NULL) fail("memory", strerror(ENOMEM));
    return memory;
}

static size_t read_requests(const char *path, const char *base, struct request **requests) {
    FILE *file = fopen(path, "r");
    if (file == NULL) fail(path, strerror(errno));
    size_t count = 0, capacity = 0, size = 0;
    char *line = NULL;
    ssize_t length;
    *requests = NULL;
    while ((length = getline(&line, &size, file)) >= 0) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) line[--length] = '\0';
        if (length == 0) continue;
        char *tab = strchr(line, '\t');
        if (tab == NULL) fail(path, "a line has no tab between path and body");
        *tab = '\0';
        if (count == capacity) {
            capacity = capacity == 0 ? 1024 : capacity * 2;
            *requests = checked(realloc(*requests, capacity * sizeof **requests));
        }
        struct request *request = &(*requests)[count++];
        request->url = checked(malloc(strlen(base) + strlen(line) + 1));
        strcpy(request->url, base);
        strcat(request->url, line);
        request->body = checked(strdup(tab + 1));
    }
    if (ferror(file)) fail(path, strerror(errno));
    free(line);
    fclose(file);
    if (count == 0) fail(path, "no request in it");
    return count;
}

static size_t discard(char *data, size_t size, size_t count, void *context) {
    (void)data;
    (void)context;
    return size * count;
}

static double seconds(struct timespec time) { return (double)time.tv_sec + (double)time.tv_nsec * 1e-9; }

static double processor_seconds(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) fail("getrusage", strerror(errno));
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static long positive(const char *text, const char *name) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value <= 0) fail(name, "is not a positive number");
    return value;
}

static void start(CURLM *multi, CURL *easy, const struct request *request) {
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(request->body));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    CURLMcode code = curl_multi_add_handle(multi, easy);
    if (code != CURLM_OK) fail("curl_multi_add_handle", curl_multi_strerror(code));
}

int main(int argc, char **argv) {
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: libcurl-baseline BASE-URL REQUESTS-FILE CONCURRENCY GRADIENT-TOKEN [COUNT]\n");
        return 2;
    }
    struct request *requests;
    size_t lines = read_requests(argv[2], argv[1], &requests);
    long concurrency = positive(argv[3], "CONCURRENCY");
    size_t total = argc == 6 ? (size_t)positive(argv[5], "COUNT") : lines;
    if ((size_t)concurrency > total) concurrency = (long)total;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) fail("curl_global_init", "failed");
    CURLM *multi = checked(curl_multi_init());
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, concurrency);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, concurrency);

    char *token = checked(malloc(strlen(argv[4]) + sizeof "GRADIENT-TOKEN: "));
    strcpy(token, "GRADIENT-TOKEN: ");
    strcat(token, argv[4]);
    struct curl_slist *headers = NULL;
    const char *fields[] = {token, "Content-Type: application/json", "Expect:"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) headers = checked(curl_slist_append(headers, fields[i]));

    CURL **handles = checked(calloc((size_t)concurrency, sizeof *handles));
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    double processor_began = processor_seconds();

    size_t sent = 0, answered = 0, refused = 0, failed = 0;
    for (long i = 0; i < concurrency; i++) {
        CURL *easy = handles[i] = checked(curl_easy_init());
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
        start(multi, easy, &requests[sent++ % lines]);
    }
    while (answered + refused + failed < total) {
        int running, remaining;
        CURLMcode code = curl_multi_perform(multi, &running);
        if (code != CURLM_OK) fail("curl_multi_perform", curl_multi_strerror(code));
        CURLMsg *message;
        while ((message = curl_multi_info_read(multi, &remaining)) != NULL) {
            if (message->msg != CURLMSG_DONE) continue;
            CURL *easy = message->easy_handle;
            long status = 0;
            if (message->data.result != CURLE_OK) {
                if (failed++ == 0) fprintf(stderr, "first failure: %s\n", curl_easy_strerror(message->data.result));
            } else {
                curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
                if (status >= 200 && status < 300) answered++;
                else if (refused++ == 0) fprintf(stderr, "first status beyond 2xx: %ld\n", status);
            }
            curl_multi_remove_handle(multi, easy);
            if (sent < total) start(multi, easy, &requests[sent++ % lines]);
        }
        if (answered + refused + failed < total) {
            code = curl_multi_poll(multi, NULL, 0, 1000, NULL);
            if (code != CURLM_OK) fail("curl_multi_poll", curl_multi_strerror(code));
        }
    }

    double processor = processor_seconds() - processor_began;
    clock_gettime(CLOCK_MONOTONIC, &ended);
    double elapsed = seconds(ended) - seconds(began);
    printf("{\"client\":\"libcurl\",\"version\":\"%s\",\"concurrency\":%ld,\"requests\":%zu,\"accepted\":%zu,"
           "\"otherStatus\":%zu,\"failed\":%zu,\"seconds\":%.3f,\"requestsPerSecond\":%.1f,\"cpuSeconds\":%.3f}\n",
           curl_version_info(CURLVERSION_NOW)->version, concurrency, total, answered, refused, failed, elapsed,
           (double)total / elapsed, processor);

    for (long i = 0; i < concurrency; i++) curl_easy_cleanup(handles[i]);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    curl_global_cleanup();
    for (size_t i = 0; i < lines; i++) {
        free(requests[i].url);
        free(requests[i].body);
    }
    free(requests);
    free(handles);
    free(token);
    return refused + failed == 0 ? 0 : 1;
}
