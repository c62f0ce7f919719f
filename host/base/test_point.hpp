#pragma once

/// A named place in the code at which a test can kill the host, delay it or make it fail. Compiled to nothing without
/// PROJECTOR_TEST_POINTS.
///
/// PROJECTOR_TEST_POINT in the environment arms them: a comma-separated list of NAME=ACTION or NAME@N=ACTION, where N
/// is the visit that triggers (1 is the first, the default; later visits do nothing) and ACTION is
///   kill        SIGKILL to this process
///   sleep:MS    the thread sleeps that many milliseconds
///   fail:ERROR  throws what a lack of resources throws: ENOMEM is std::bad_alloc, EAGAIN and EMFILE are
///               std::system_error
///   signal:FILE the file is created, then the thread waits until it is removed again
#ifdef PROJECTOR_TEST_POINTS
#define PROJECTOR_TEST_POINT(name) ::projector::base::visit_test_point(name)
namespace projector::base {
void visit_test_point(const char* name);
} // namespace projector::base
#else
#define PROJECTOR_TEST_POINT(name) static_cast<void>(0)
#endif
