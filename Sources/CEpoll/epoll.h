// What the Glibc module leaves out: it does not list these headers, and accept4 hides behind _GNU_SOURCE.
#include <sys/epoll.h>
#include <sys/eventfd.h>

struct sockaddr;
extern int accept4(int socket, struct sockaddr *address, unsigned int *length, int flags);
