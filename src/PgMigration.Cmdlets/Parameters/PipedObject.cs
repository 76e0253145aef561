using System.Globalization;
using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>What was piped, told by its type: the object itself, or the property bag that Select-Object, remoting, a file or JSON made of it.</summary>
/// <remarks>
/// The engine's own binding by property name takes any object that has a property of the right name: a process has a Path, and a backup
/// has the data directory of the server that it was taken of. So each cmdlet takes the whole object, and this class says what it is.
/// </remarks>
internal sealed class PipedObject(PSObject piped)
{
    /// <summary>The live object; a bag for everything else.</summary>
    public object Live => piped.BaseObject;

    /// <summary>The name of its type without what Select-Object and serialization put before it.</summary>
    public string TypeName
    {
        get
        {
            string name = piped.TypeNames.FirstOrDefault() ?? Live.GetType().FullName!;
            while (name.StartsWith("Deserialized.", StringComparison.Ordinal) || name.StartsWith("Selected.", StringComparison.Ordinal))
            {
                name = name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];
            }

            return name;
        }
    }

    private bool IsBag => Live is PSCustomObject;

    /// <summary>Whether it is a bag made of an object of this type, or one without a type that has these properties (if any are named), as JSON leaves it.</summary>
    public bool IsBagOf<T>(params ReadOnlySpan<string> properties)
    {
        if (!IsBag)
        {
            return false;
        }

        if (TypeName == typeof(T).FullName)
        {
            return true;
        }

        foreach (string property in properties)
        {
            if (Text(property) is null)
            {
                return false;
            }
        }

        return properties.Length > 0 && TypeName == typeof(PSCustomObject).FullName;
    }

    /// <summary>Whether it has such a property, also one without a value.</summary>
    public bool Has(string property) => piped.Properties[property] is not null;

    /// <summary>The text of a property; null when it is not there or empty.</summary>
    public string? Text(string property) =>
        piped.Properties[property]?.Value is { } value && Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null;

    /// <summary>What is wrong with it, without its values, which may be secret.</summary>
    /// <param name="expected">What would have been understood, and which command writes it.</param>
    public MigrationException Refused(string expected) => new("InputNotSupported", MigrationErrorKind.InvalidArgument, $"An object of type {TypeName} was piped. Expected {expected}.");

    /// <summary>Says which property a bag has lost.</summary>
    public MigrationException Lacking(string property) => new("InputNotSupported", MigrationErrorKind.InvalidArgument,
        $"The piped object ({TypeName}) has no {property}. Expected all properties: pipe the object itself, or keep {property} with Select-Object.");

    /// <summary>The error for a pipeline that brought nothing where one object is needed.</summary>
    public static MigrationException Missing(string expected) => new("InputMissing", MigrationErrorKind.InvalidArgument,
        $"Nothing was piped: the command before wrote no object. Expected {expected}.");
}
