/* A plugin for a later major version of the interface only. */
#include <projector/plugin.h>

PROJECTOR_EXPORT extern const int projector_plugin_v2;
const int projector_plugin_v2 = 1;
