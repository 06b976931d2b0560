import Kinds

extension CPUList {
    /// A list as sysfs prints it: empty and `(null)` stand for none, on some kernels.
    init?(kernelText text: String) {
        if text.isEmpty || text == "(null)" {
            self.init([])
            return
        }
        guard let list = try? CPUList(parsing: text) else { return nil }
        self = list
    }
}
