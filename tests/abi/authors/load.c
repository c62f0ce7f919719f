/* Prints the name in the descriptor of each plugin that it is given. */
#include <projector/plugin.h>

#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    void* library = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
    const projector_plugin* plugin = (const projector_plugin*)dlsym(library, "projector_plugin_v1");
    if (plugin == NULL || plugin->struct_size != sizeof *plugin || plugin->create == NULL || plugin->handle == NULL) {
      fprintf(stderr, "%s: no usable descriptor\n", argv[i]);
      return 1;
    }
    printf("%s\n", plugin->name);
    dlclose(library);
    if (dlopen(argv[i], RTLD_NOW | RTLD_NOLOAD) != NULL) {
      fprintf(stderr, "%s: still loaded after dlclose\n", argv[i]);
      return 1;
    }
  }
  return 0;
}
