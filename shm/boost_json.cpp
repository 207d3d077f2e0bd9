// The one translation unit that holds Boost.JSON, built from its headers: nothing else of ours, and no shared library, brings it in again.
#include <boost/json/src.hpp>
