// A version of the plugin trial whose handle writes all events and then lets an exception out.
#include <projector/plugin.h>

#include <stdexcept>
#include <string>

namespace {

struct Instance {
  const projector_host* host;
  std::string insert;
};

projector_status create(const projector_host* host, const projector_config* config, void** instance, projector_error*) {
  *instance = new Instance{host, "INSERT INTO " + std::string(config->projection_name) + "_seen VALUES ('bad', 0, "};
  return PROJECTOR_OK;
}

void destroy(void* instance) {
  delete static_cast<Instance*>(instance);
}

projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const auto& self = *static_cast<const Instance*>(instance);
  for (std::size_t index = 0; index < batch->n_events; ++index) {
    const std::string sql = self.insert + std::to_string(batch->events[index]->global_position) + ")";
    self.host->exec(self.host->ctx, tx, static_cast<std::uint32_t>(index), PROJECTOR_SQL_ONCE, sql.c_str(), nullptr, 0,
                    error);
  }
  throw std::runtime_error("thrown after its statements");
}

projector_plugin descriptor() {
  projector_plugin plugin = {};
  plugin.struct_size = sizeof plugin;
  plugin.read_model_version = 1;
  plugin.name = "trial";
  plugin.version = "throws";
  plugin.description = "a test plugin";
  plugin.create = &create;
  plugin.destroy = &destroy;
  plugin.handle = &handle;
  return plugin;
}

} // namespace

const projector_plugin projector_plugin_v1 = descriptor();
