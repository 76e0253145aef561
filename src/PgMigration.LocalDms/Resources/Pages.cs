using System.Globalization;
using System.Text;
using PgMigration.DmsModel;

namespace PgMigration.LocalDms;

/// <summary>Filters and pages of the Describe operations.</summary>
internal static class Pages
{
    private const int Least = 20;

    /// <summary>The page that was asked for, and the mark of the next; null on the last.</summary>
    /// <exception cref="Fault">InvalidParameterValueException.</exception>
    public static (T[] Page, string? Marker) Of<T>(IReadOnlyList<T> all, int? maxRecords, string? marker, int most = 100)
    {
        int length = maxRecords ?? most;
        if (length < Least || length > most)
        {
            throw Fault.InvalidValue(string.Create(CultureInfo.InvariantCulture, $"MaxRecords is {length}; it must be between {Least} and {most}."));
        }

        int start = 0;
        if (!string.IsNullOrEmpty(marker))
        {
            byte[] bytes = new byte[marker.Length];
            if (!Convert.TryFromBase64String(marker, bytes, out int count) || !int.TryParse(Encoding.ASCII.GetString(bytes, 0, count), NumberStyles.None, CultureInfo.InvariantCulture, out start))
            {
                throw Fault.InvalidValue("The marker is not one that this service gave.");
            }
        }

        var page = all.Skip(start).Take(length).ToArray();
        int next = start + page.Length;
        return (page, next < all.Count ? Convert.ToBase64String(Encoding.ASCII.GetBytes(next.ToString(CultureInfo.InvariantCulture))) : null);
    }

    /// <summary>What all filters let through. As DMS does, filters that let nothing through are answered with a fault.</summary>
    /// <param name="all">The resources.</param>
    /// <param name="filters">The filters; null for none.</param>
    /// <param name="what">The resources in words.</param>
    /// <param name="names">Of each filter's name, what it looks at.</param>
    /// <exception cref="Fault">ResourceNotFoundFault, or InvalidParameterValueException for a filter that is not known.</exception>
    public static List<T> Filter<T>(IEnumerable<T> all, Filter[]? filters, string what, params (string Name, Func<T, string?> Value)[] names)
    {
        var left = all.ToList();
        foreach (var filter in filters ?? [])
        {
            var value = Array.Find(names, known => known.Name == filter.Name).Value
                ?? throw Fault.InvalidValue($"The filter '{filter.Name}' is not valid; expected {string.Join(", ", names.Select(known => known.Name))}.");
            left.RemoveAll(item => !filter.Values.Contains(value(item), StringComparer.OrdinalIgnoreCase));
        }

        return left.Count > 0 || filters is null or [] ? left : throw Fault.NotFound($"No {what} found matching given filters.");
    }
}
