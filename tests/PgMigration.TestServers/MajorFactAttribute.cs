using System.Globalization;
using Xunit;

namespace PgMigration;

/// <summary>A test on a server of a major version; skipped, saying which ones there are, where that one is not.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MajorFactAttribute : FactAttribute
{
    /// <summary>A test of a major version.</summary>
    public MajorFactAttribute(int major)
    {
        Major = major;
        if (!OperatingSystem.IsLinux() || PostgresMajors.Find(major) is null)
        {
            Skip = string.Create(CultureInfo.InvariantCulture, $"PostgreSQL {major} is not on this machine; there are: {(OperatingSystem.IsLinux() ? string.Join(", ", PostgresMajors.Available) : "none")}.");
        }
    }

    /// <summary>The major version.</summary>
    public int Major { get; }
}
