using System.Runtime.Versioning;

// Servers are restored, killed and frozen on the machine itself.
[assembly: SupportedOSPlatform("linux")]
